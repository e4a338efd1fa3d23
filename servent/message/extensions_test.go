package message

import (
	"bytes"
	"compress/gzip"
	"errors"
	"slices"
	"strings"
	"testing"

	"gnucensus/servent/ggep"
)

func TestExtensions(t *testing.T) {
	t.Parallel()
	x := body[*Query](t, "QUERY by hash").Extensions()
	equal(t, "URN", x.URNs, []string{"urn:sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"})
	if _, ok := x.GGEP.M(); !ok || x.XML != "" || x.Other != nil {
		t.Errorf("extensions %+v", x)
	}
	old := parseExtensions([]byte("192 kbps 44 kHz\x1c<?xml?><a/>\x00URN:sha1:A\x1c"))
	equal(t, "old extensions", old, Extensions{
		URNs: []string{"URN:sha1:A"}, XML: "<?xml?><a/>", Other: []string{"192 kbps 44 kHz"},
	})
	for _, want := range []Extensions{
		{},
		{URNs: []string{"urn:sha1:A", "urn:bitprint:B"}, XML: "{}", Other: []string{"x"}, GGEP: ggep.Blocks{ggep.LF(1 << 40)}},
		{GGEP: ggep.Blocks{ggep.TLS()}},
	} {
		b, err := want.Append(nil)
		if err != nil || slices.Contains(b, 0) {
			t.Errorf("%+v: %x, %v", want, b, err)
		}
		got := parseExtensions(b)
		for i := range got.GGEP {
			got.GGEP[i].COBS = false
		}
		equal(t, "extensions", got, want)
	}
	for _, bad := range []Extensions{
		{URNs: []string{"urn:\x00"}}, {XML: "<\x1c"}, {GGEP: ggep.Blocks{{ID: "too long for GGEP"}}},
	} {
		if b, err := bad.Append([]byte{7}); err == nil || len(b) != 1 {
			t.Errorf("%+v: %x, %v", bad, b, err)
		}
	}
}

// TestXML reads the metadata of a hit in each packing.
func TestXML(t *testing.T) {
	t.Parallel()
	const text = "<audios/>"
	var gzipped bytes.Buffer
	w := gzip.NewWriter(&gzipped)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	trailer := func(packed string) QHD {
		packed += "\x00"
		return QHD{Open: []byte{0, 0, byte(len(packed)), 0}, Private: append([]byte{1}, packed...)}
	}
	for packed, want := range map[string]string{
		"{}": "", "{}" + text: text, "{plaintext}" + text: text, text: text,
		"{deflate}" + string(deflated(t, []byte(text))): text,
		"{gzip}" + gzipped.String():                     text,
	} {
		if got, err := trailer(packed).XML(); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", packed, got, err)
		}
	}
	bomb := QHD{Open: []byte{0, 0, 0, 1}, Private: append([]byte("{deflate}"), deflated(t, make([]byte, 1<<16))...)}
	bomb.Private = append(bomb.Private, make([]byte, 256-len(bomb.Private))...)
	for name, c := range map[string]struct {
		qhd  QHD
		want error
	}{
		"another packing":   {trailer("{lzma}x"), ErrMalformed},
		"open brace":        {trailer("{"), ErrMalformed},
		"no gzip":           {trailer("{gzip}x"), ErrMalformed},
		"larger than it is": {QHD{Open: []byte{0, 0, 9, 0}, Private: []byte("{}")}, ErrTruncated},
		"bomb":              {bomb, ErrTooLong},
		"no size":           {QHD{Open: []byte{0, 0}, Private: []byte(strings.Repeat("x", 9))}, nil},
		"size 0":            {QHD{Open: []byte{0, 0, 0, 0}}, nil},
	} {
		if got, err := c.qhd.XML(); !errors.Is(err, c.want) || len(got) > 0 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	lime, ok := body[*QueryHit](t, "QUERY HIT of LimeWire with XML, firewalled").QHD()
	if xml, err := lime.XML(); !ok || err != nil || len(xml) != 0 {
		t.Errorf("LimeWire: %q, %v", xml, err)
	}
}

// TestCapturedTrailers reads what gtk-gnutella and an ultrapeer of LimeWire put in the trailers of hits.
func TestCapturedTrailers(t *testing.T) {
	t.Parallel()
	relayed, dated := 0, 0
	for _, v := range allVectors(t) {
		m, err := ParseDatagram(v.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		hit, ok := m.Body.(*QueryHit)
		if !ok {
			continue
		}
		q, _ := hit.QHD()
		for _, relay := range q.GGEP().ReturnPath() {
			relayed++
			if relay.Addr != addr("127.0.3.1:6346") || !relay.From.IsValid() || relay.TTL != 3 {
				t.Errorf("%s: %+v", v.Name, relay)
			}
		}
		if version, ok := q.GGEP().GTKGV(); ok {
			dated++
			if version.Build != 14 || version.Commit != "a331" || version.Release.Year() != 2024 {
				t.Errorf("%s: %+v", v.Name, version)
			}
		}
	}
	if relayed == 0 || dated == 0 {
		t.Errorf("%d relays, %d versions", relayed, dated)
	}
}
