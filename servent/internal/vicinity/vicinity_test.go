package vicinity

import (
	"net/netip"
	"slices"
	"testing"
)

func TestTellable(t *testing.T) {
	t.Parallel()
	const public, private, carrier, machine = "203.0.113.7", "192.168.1.5", "100.64.0.1", "127.0.0.1"
	all := []string{public, private, carrier, machine}
	for address, to := range map[string][]string{
		"198.51.100.9": all, "2001:db8::1": all,
		"10.0.0.1": {private, carrier}, "192.168.1.9": {private, carrier}, "100.64.0.2": {private, carrier},
		"fd00::1": {private, carrier}, "fe80::1": {private, carrier}, "169.254.1.1": {private, carrier},
		"127.0.0.5": {machine}, "::1": {machine},
		"0.0.0.0": nil, "::": nil, "224.0.0.1": nil, "ff02::1": nil, "255.255.255.255": nil,
	} {
		a := netip.MustParseAddr(address)
		for _, other := range all {
			if got, want := Tellable(a, netip.MustParseAddr(other)), slices.Contains(to, other); got != want {
				t.Errorf("%s to %s: %t, want %t", address, other, got, want)
			}
		}
		if got, want := Tellable(a, netip.Addr{}), len(to) == len(all); got != want {
			t.Errorf("%s to anybody: %t, want %t", address, got, want)
		}
		if Private(a) != (len(to) == 2 && !a.IsLinkLocalUnicast()) {
			t.Errorf("%s is private: %t", address, Private(a))
		}
	}
}
