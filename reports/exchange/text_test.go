package exchange

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What stands for 128.11.68.132, 2001:db8::1 and port 45001 under the published key. The port is as this program has it: it
// must not change, or exports under one key would not fit together.
const (
	stand4, stand6 = "135.242.180.132", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"
	standPort      = "8163"
)

func TestTextReplaces(t *testing.T) {
	t.Parallel()
	r := newReplacer(published)
	for text, want := range map[string]string{
		"":                           "",
		"503 Too many connections":   "503 Too many connections",
		"at 12:34:56 on 2024-03-20":  "at 12:34:56 on 2024-03-20",
		"00:11:22:33:44:55":          "00:11:22:33:44:55",
		"version 1.2.3, 300.1.x":     "version 1.2.3, 300.1.x",
		"128.11.68.132":              stand4,
		"x128.11.68.132x":            "x" + stand4 + "x",
		"128.011.068.132.":           stand4 + ".",
		"128-11-68-132.dsl.example":  stand4 + ".dsl.example",
		"2128-11-68-132":             "2128-11-68-132",
		"128.11-68.132":              "128.11-68.132",
		"128.11.68.132:6346 refused": stand4 + ":6346 refused",
		"128.11.68.132:45001->x":     stand4 + ":" + standPort + "->x",
		"128.11.68.132:99999":        stand4 + ":99999",
		"128.11.68.132: reset":       stand4 + ": reset",
		"[2001:db8::1]:45001":        "[" + stand6 + "]:" + standPort,
		"2001:DB8:0::0001 is it":     stand6 + " is it",
		"<2001:db8::1>":              "<" + stand6 + ">",
		"zz2001:db8::1":              "zz" + stand6,
		"::ffff:128.11.68.132":       "::ffff:" + stand4,
		"lookup 2001:db8::1: failed": "lookup " + stand6 + ": failed",
		"jane.doe+x@uni.example ok":  contactMark + " ok",
		"(+https://uni.example/~j)":  "(+" + contactMark + ")",
		"MAILTO:jane;x":              contactMark + ";x",
		"@version@ é\x00\u202e":      "@version@ é\x00\u202e",
	} {
		if got := r.text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestAgentKeepsVersions(t *testing.T) {
	t.Parallel()
	r := newReplacer(published)
	r.know(netip.MustParseAddr("::ffff:128.11.68.132"))
	r.know(netip.MustParseAddr("2001:db8::1"))
	for agent, want := range map[string]string{
		"Shareaza 2.7.10.2":             "Shareaza 2.7.10.2",
		"Shareaza/2.7.10.2 (x)":         "Shareaza/2.7.10.2 (x)",
		"BearShare Pro v5.1.0.4":        "BearShare Pro v5.1.0.4",
		"gtk-gnutella/1.2.3-22085":      "gtk-gnutella/1.2.3-22085",
		"LimeWire/@version@":            "LimeWire/@version@",
		"Shareaza 128.11.68.132":        "Shareaza " + stand4,
		"Shareaza 2.7.10.2:6346":        "Shareaza " + r.text("2.7.10.2") + ":6346",
		"Shareaza 2.7.10.2.4":           "Shareaza " + r.text("2.7.10.2") + ".4",
		"Shareaza 2.7.1000.2":           "Shareaza 2.7.1000.2",
		"x 128-11-68-132/2.7.10.2":      "x " + stand4 + "/2.7.10.2",
		"Fox/2.7.10.2 at 128.11.68.132": "Fox/2.7.10.2 at " + stand4,
		"128.11.68.132":                 stand4,
		"(2.7.10.2)":                    "(" + r.text("2.7.10.2") + ")",
		"Fox/2.7.10.2 (me@uni.example)": "Fox/2.7.10.2 (" + contactMark + ")",
	} {
		if got := r.agent(agent); got != want {
			t.Errorf("%q becomes %q, want %q", agent, got, want)
		}
	}
}

// Wherever an address stands in a text, it is gone afterwards.
func TestTextHidesAddresses(t *testing.T) {
	t.Parallel()
	r := newReplacer(published)
	around := rapid.StringMatching(`[a-z0-9:. \[\]@/-]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		var address string
		if rapid.Bool().Draw(t, "IPv4") {
			// Not of 0 and 1 alone: such an address is a part of many others.
			address = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.ByteRange(10, 255), 4, 4).Draw(t, "address"))).String()
		} else {
			address = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.ByteRange(16, 255), 16, 16).Draw(t, "address"))).String()
		}
		text := around.Draw(t, "before") + address + around.Draw(t, "after")
		if got := r.text(text); strings.Contains(got, address) {
			t.Fatalf("%q becomes %q", text, got)
		}
	})
}

// Ports are exchanged for each other, and those that tell nothing are kept.
func TestPortsArePermuted(t *testing.T) {
	t.Parallel()
	r := newReplacer(published)
	seen := make([]bool, len(r.ports))
	same := 0
	for port, with := range r.ports {
		if seen[with] {
			t.Fatalf("two ports become %d", with)
		}
		seen[with] = true
		if int(with) == port {
			same++
		}
	}
	for _, port := range keptPorts {
		if r.ports[port] != port {
			t.Errorf("port %d becomes %d", port, r.ports[port])
		}
	}
	if same > 20 {
		t.Errorf("%d ports are kept", same)
	}
}

func TestReplacerRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	r := newReplacer(published)
	for k, text := range map[kind]string{addressKind: "here", guidKind: "ff-11", jsonKind: `{"a": 1}`} {
		if got, err := r.value(k, text); err == nil {
			t.Errorf("%s %q becomes %q", k, text, got)
		}
	}
	for k, v := range map[kind]any{integerKind: int64(45001), stringKind: "128.11.68.132", textKind: nil, booleanKind: true} {
		if got, err := r.value(k, v); err != nil || got != v {
			t.Errorf("%s %v becomes %v, error %v", k, v, got, err)
		}
	}
}

// Names are told apart and not told; GUIDs too.
func TestNamesAndGUIDs(t *testing.T) {
	t.Parallel()
	r, other := newReplacer(published), newReplacer(Key{1})
	for k, pair := range map[kind][2]string{
		nameKind: {"17", "18"},
		guidKind: {"ff112233-4455-6677-8899-aabbccddee00", "ff112233-4455-6677-8899-aabbccddee01"},
	} {
		a, err := r.value(k, pair[0])
		if err != nil {
			t.Fatal(err)
		}
		again, _ := r.value(k, pair[0])
		b, _ := r.value(k, pair[1])
		c, _ := other.value(k, pair[0])
		if a != again || a == b || a == c || a == any(pair[0]) || k == guidKind && len(a.(string)) != 36 {
			t.Errorf("%s %v becomes %v, %v, %v, under another key %v", k, pair, a, again, b, c)
		}
	}
}
