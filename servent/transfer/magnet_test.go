package transfer

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

const (
	helloSHA1  = "EJMWGY5T3ZALA34YD64F3ARRF2GA5VIR"
	helloTiger = "KND4PAISRXWKPFWNUC5NJDGCX2ON77YTRMEVWBQ"
	pushGUID   = "00112233445566778899aabbccddeeff"
)

// TestMagnet writes links and reads them.
func TestMagnet(t *testing.T) {
	t.Parallel()
	size, none := uint64(12), uint64(0)
	both, err := urn.Parse("urn:bitprint:" + helloSHA1 + "." + helloTiger)
	if err != nil {
		t.Fatal(err)
	}
	var id message.GUID
	for i := range id {
		id[i] = byte(i)<<4 | byte(i)
	}
	open := Place{Source: Source{Addr: netip.MustParseAddrPort("127.1.0.1:6346")}}
	six := Place{Source: Source{Addr: netip.MustParseAddrPort("[2001:db8::1]:6346")}}
	walled := Place{Source: Source{Servent: id}, Walled: true, Proxies: []netip.AddrPort{open.Addr, six.Addr}}
	for _, test := range []struct {
		magnet Magnet
		want   string
	}{
		{Magnet{URN: sha1URN(t, helloSHA1)}, "magnet:?xt=urn:sha1:" + helloSHA1},
		{Magnet{URN: urn.URN{Tiger: both.Tiger}, Size: &none}, "magnet:?xt=urn:tree:tiger:" + helloTiger + "&xl=0"},
		{Magnet{URN: both, Name: "hello & good bye+100%=1 é.txt", Size: &size}, "magnet:?xt=urn:bitprint:" + helloSHA1 + "." + helloTiger +
			"&dn=hello%20%26%20good%20bye%2B100%25%3D1%20%C3%A9.txt&xl=12"},
		{Magnet{URN: both, Places: []Place{open, six, walled}}, "magnet:?xt=urn:bitprint:" + helloSHA1 + "." + helloTiger +
			"&xs=http://127.1.0.1:6346/uri-res/N2R?urn:sha1:" + helloSHA1 + "&xs=http://[2001:db8::1]:6346/uri-res/N2R?urn:sha1:" + helloSHA1 +
			"&xs=push://" + pushGUID + ":127.1.0.1:6346:[2001:db8::1]:6346/uri-res/N2R?urn:sha1:" + helloSHA1},
	} {
		text := test.magnet.String()
		if text != test.want {
			t.Errorf("wrote\n%s, want\n%s", text, test.want)
		}
		got, err := ParseMagnet(text)
		if err != nil || got.URN.String() != test.magnet.URN.String() || got.Name != test.magnet.Name || !same(got.Size, test.magnet.Size) ||
			!slices.EqualFunc(got.Places, test.magnet.Places, samePlace) {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, test.magnet)
		}
	}
	if text := (Found{Place: Place{Walled: true}, URN: both}).Magnet().String(); strings.Contains(text, "xs=") {
		t.Errorf("a place that cannot be reached: %s", text)
	}
}

func samePlace(a, b Place) bool {
	return a.Source == b.Source && a.Walled == b.Walled && slices.Equal(a.Proxies, b.Proxies)
}

// TestForeignMagnets reads links as others write them.
func TestForeignMagnets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"MAGNET:?XT=urn:sha1:" + strings.ToLower(helloSHA1):                                                                               "urn:sha1:" + helloSHA1,
		"magnet:?dn=a+b&xt=urn%3Asha1%3A" + helloSHA1:                                                                                     "urn:sha1:" + helloSHA1,
		"magnet:?xt.1=urn:md5:x&xt.2=urn:sha1:" + helloSHA1:                                                                               "urn:sha1:" + helloSHA1,
		"magnet:?xt=urn:sha1:" + helloSHA1 + "&xt=urn:tree:tiger/:" + helloTiger:                                                          "urn:bitprint:" + helloSHA1 + "." + helloTiger,
		"magnet:?xt=urn:sha1:" + helloSHA1 + "&xl=-1&x.guid=z&kt=%zz&&=&xs&xs=%":                                                          "urn:sha1:" + helloSHA1,
		"magnet:?xt=urn:sha1:" + helloSHA1 + "&xs=push://12:1.2.3.4:1&xs=push://" + pushGUID + "&as=http://1.2.3.4/x&xs=ftp://1.2.3.4:1/": "urn:sha1:" + helloSHA1,
		"magnet:?xt=urn:sha1:" + helloSHA1 + "&xs=push://" + pushGUID + ":[::1:1:/x&xs=push://" + pushGUID + ":1.2.3.4:0x1/":              "urn:sha1:" + helloSHA1,
		"magnet:?xl=1":                     "",
		"magnet:?xt=urn:btih:" + helloSHA1: "",
		"urn:sha1:" + helloSHA1:            "",
		"":                                 "",
		"magnet:?xt=urn:sha1:" + helloSHA1 + "&dn=" + strings.Repeat("x", maxMagnet): "",
	} {
		m, err := ParseMagnet(text)
		if m.URN.String() != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrMagnet) || len(m.Places) != 0 || m.Size != nil {
			t.Errorf("%.100s: %+v, %v; want %q", text, m, err, want)
		}
	}
	many := "magnet:?xt=urn:sha1:" + helloSHA1 + strings.Repeat("&xs=http://1.2.3.4:5/", 2*maxPlaces)
	if m, err := ParseMagnet(many); len(m.Places) != maxPlaces || err != nil {
		t.Errorf("%d places, %v", len(m.Places), err)
	}
}

// FuzzMagnet checks that what is read is read again as it is written.
func FuzzMagnet(f *testing.F) {
	f.Add("magnet:?xt=urn:sha1:" + helloSHA1 + "&dn=a%20b&xl=12&xs=http://1.2.3.4:5/&xs=push://" + pushGUID + ":1.2.3.4:5/")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMagnet(text)
		if err != nil {
			return
		}
		again, err := ParseMagnet(m.String())
		if len(m.String()) <= maxMagnet && (err != nil || again.URN.String() != m.URN.String() || again.Name != m.Name || !same(again.Size, m.Size)) {
			t.Fatalf("%+v, then %+v, %v", m, again, err)
		}
	})
}
