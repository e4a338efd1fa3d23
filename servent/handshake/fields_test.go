package handshake

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestFields(t *testing.T) {
	t.Parallel()
	fields := Fields{
		{"X-Try", "a"}, {"x-try", "b"}, {"Leaves", ""}, {"X-Ultrapeer", "tRUE"}, {"X-Hub", "False"}, {"X-Odd", "maybe"},
	}
	if got := fields.Get("X-TRY"); got != "a" {
		t.Errorf("Get = %q, want the first value", got)
	}
	if got := fields.Values("X-Try"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Values = %q", got)
	}
	if !fields.Has("leaves") || fields.Has("Peers") {
		t.Errorf("Has(leaves) = %v, Has(Peers) = %v", fields.Has("leaves"), fields.Has("Peers"))
	}
	for name, want := range map[string][2]bool{
		"X-Ultrapeer": {true, true}, "X-Hub": {false, true}, "X-Odd": {false, false}, "Missing": {false, false},
	} {
		if value, known := fields.Bool(name); value != want[0] || known != want[1] {
			t.Errorf("Bool(%s) = %v, %v", name, value, known)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		"deflate": true, "Deflate": true, "gzip, deflate": true, "gzip,deflate ,x": true,
		"": false, "deflated": false, "gzip deflate": false,
	} {
		if got := (Fields{{"Accept-Encoding", value}}).Lists("accept-encoding", "deflate"); got != want {
			t.Errorf("%q lists deflate: %v", value, got)
		}
	}
}

func TestParseAddrs(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"":                                "",
		" , ,":                            "",
		"192.0.2.1:6346":                  "192.0.2.1:6346",
		"192.0.2.1:6346,192.0.2.2:6347":   "192.0.2.1:6346, 192.0.2.2:6347",
		"192.0.2.1:1, 192.0.2.2:2,":       "192.0.2.1:1, 192.0.2.2:2",
		"192.0.2.1:1 192.0.2.2:2\t":       "192.0.2.1:1, 192.0.2.2:2",
		"192.0.2.1, 192.0.2.2:2":          "192.0.2.2:2",
		"192.0.2.1:0, 192.0.2.2:2":        "192.0.2.2:2",
		"192.0.2.1:65536, 192.0.2.2:2":    "192.0.2.2:2",
		"[2001:db8::1]:6346,192.0.2.2:2":  "[2001:db8::1]:6346, 192.0.2.2:2",
		"[fe80::1%eth0]:6346":             "",
		"[::ffff:192.0.2.1]:1":            "192.0.2.1:1",
		"192.0.2.1:1,192.0.2.1:1,x:1":     "192.0.2.1:1, 192.0.2.1:1",
		"192.0.2.1:1 2026-11-20T22:10:53": "192.0.2.1:1",
		"192.0.2.1:1;192.0.2.2:2":         "",
	} {
		if got := FormatAddrs(ParseAddrs(list)); got != want {
			t.Errorf("ParseAddrs(%q) = %q, want %q", list, got, want)
		}
	}
}

func TestParseAddrsIsBounded(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	for i := range 2 * MaxAddrs {
		fmt.Fprintf(&list, "10.%d.%d.1:6346,", i>>8, i&0xff)
	}
	if got := len(ParseAddrs(list.String())); got != MaxAddrs {
		t.Errorf("%d addresses, want %d", got, MaxAddrs)
	}
}

// The lists of a refusal: folded, of ten hosts.
func TestCapturedTry(t *testing.T) {
	t.Parallel()
	h := parseHead(t, replyPrefix, capture(t, "answer", "a leaf is refused by a full ultrapeer"))
	refused := &Refused{Code: 503, Theirs: h.fields}
	var want []netip.AddrPort
	for i := range 10 {
		want = append(want, netip.MustParseAddrPort(fmt.Sprintf("127.0.5.%d:%d", 49-i, 20049-i)))
	}
	if got := refused.TryUltrapeers(); !slices.Equal(got, want) {
		t.Errorf("TryUltrapeers = %v, want %v", got, want)
	}
	if got := refused.Agent(); !strings.HasPrefix(got, "gtk-gnutella/1.2.3") {
		t.Errorf("Agent = %q", got)
	}
}

func FuzzParseAddrs(f *testing.F) {
	for _, v := range vectors(f) {
		for _, field := range parseHead(f, v.prefix(), v.raw).fields {
			f.Add(field.Value)
		}
	}
	f.Add("[::1]:1,, 1.2.3.4:0 [::ffff:1.2.3.4]:5")
	f.Fuzz(func(t *testing.T, list string) {
		addrs := ParseAddrs(list)
		if len(addrs) > min(MaxAddrs, len(list)/4) {
			t.Fatalf("%d addresses in %d bytes", len(addrs), len(list))
		}
		for _, addr := range addrs {
			if addr.Port() == 0 || !addr.IsValid() || addr.Addr().Zone() != "" {
				t.Fatalf("%v in %v", addr, addrs)
			}
		}
		if again := ParseAddrs(FormatAddrs(addrs)); !slices.Equal(again, addrs) {
			t.Errorf("formatted and parsed again: %v, want %v", again, addrs)
		}
	})
}
