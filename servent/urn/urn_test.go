package urn

import (
	"crypto/sha1"
	"errors"
	"strings"
	"testing"
)

// The hashes of the empty file, from the specification of HUGE.
const (
	emptySHA1  = "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
	emptyTiger = "LWPNACQDBZRYXW3VHJVCJ64QBZNGHOHHHZWCLNQ"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"urn:sha1:" + emptySHA1:                                     "urn:sha1:" + emptySHA1,
		"URN:Sha1:" + strings.ToLower(emptySHA1):                    "urn:sha1:" + emptySHA1,
		"urn:bitprint:" + emptySHA1 + "." + emptyTiger:              "urn:bitprint:" + emptySHA1 + "." + emptyTiger,
		"urn:tree:tiger:" + emptyTiger:                              "urn:tree:tiger:" + emptyTiger,
		"urn:tree:tiger/:" + emptyTiger:                             "urn:tree:tiger:" + emptyTiger,
		"urn:ttroot:" + emptyTiger:                                  "urn:tree:tiger:" + emptyTiger,
		"urn:sha1:LMOBHNZ5V53HUZD7LUPGI3CBVQ5MBWWU":                 "urn:sha1:LMOBHNZ5V53HUZD7LUPGI3CBVQ5MBWWU",
		"urn:bitprint:" + strings.ToLower(emptySHA1+"."+emptyTiger): "urn:bitprint:" + emptySHA1 + "." + emptyTiger,
	} {
		u, err := Parse(in)
		if err != nil || u.String() != want {
			t.Errorf("%s: got %s, %v, want %s", in, u, err, want)
		}
	}
	u, err := Parse("urn:sha1:" + emptySHA1)
	if err != nil || u.Tiger != nil || *u.SHA1 != SHA1(sha1.Sum(nil)) {
		t.Errorf("empty file: %+v, %v", u, err)
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "urn:", "urn:sha1:", emptySHA1, "urn:md5:" + emptySHA1,
		"urn:sha1:" + emptySHA1[1:], "urn:sha1:" + emptySHA1 + "A", "urn:sha1:1" + emptySHA1[1:],
		"urn:bitprint:" + emptySHA1, "urn:bitprint:" + emptySHA1 + "." + emptyTiger[1:], "urn:bitprint:." + emptyTiger,
		"urn:ttroot:" + emptySHA1,
	} {
		if u, err := Parse(in); !errors.Is(err, ErrMalformed) || u != (URN{}) {
			t.Errorf("%q: got %s, %v", in, u, err)
		}
	}
	if got := (URN{}).String(); got != "" {
		t.Errorf("no hash: %q", got)
	}
}

// TestGUID checks the encoding with a GUID, as push proxies are asked with it.
func TestGUID(t *testing.T) {
	t.Parallel()
	guid := []byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	if got := Base32.EncodeToString(guid); got != "AAISEM2EKVTHPCEZVK54ZXPO74" {
		t.Errorf("got %s", got)
	}
}

// FuzzParse checks that what parses is written as a name that parses to the same.
func FuzzParse(f *testing.F) {
	f.Add("urn:sha1:" + emptySHA1)
	f.Add("urn:bitprint:" + emptySHA1 + "." + emptyTiger)
	f.Add("urn:tree:tiger/:" + emptyTiger)
	f.Fuzz(func(t *testing.T, name string) {
		u, err := Parse(name)
		if err != nil {
			return
		}
		again, err := Parse(u.String())
		if err != nil || again.String() != u.String() {
			t.Fatalf("%s: %s, %v", u, again, err)
		}
	})
}
