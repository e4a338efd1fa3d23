package pace

import (
	"net/netip"
	"testing"
)

func TestScopes(t *testing.T) {
	for addr, want := range map[string]struct{ live, lab bool }{
		"8.8.8.8:6346":                {live: true},
		"8.8.8.8:1024":                {live: true},
		"8.8.8.8:65535":               {live: true},
		"8.8.8.8:0":                   {},
		"8.8.8.8:53":                  {},
		"8.8.8.8:1023":                {},
		"8.8.8.8:3389":                {},
		"8.8.8.8:5060":                {},
		"8.8.8.8:6667":                {},
		"0.1.2.3:6346":                {},
		"10.1.2.3:6346":               {},
		"9.255.255.255:6346":          {live: true},
		"11.0.0.0:6346":               {live: true},
		"100.64.0.1:6346":             {},
		"100.128.0.1:6346":            {live: true},
		"126.255.255.255:6346":        {live: true},
		"127.0.0.1:6346":              {lab: true},
		"127.255.255.254:80":          {lab: true},
		"127.0.0.1:0":                 {},
		"169.254.1.1:6346":            {},
		"172.15.0.1:6346":             {live: true},
		"172.16.0.1:6346":             {},
		"172.31.255.255:6346":         {},
		"192.0.0.8:6346":              {},
		"192.0.2.1:6346":              {},
		"192.88.99.1:6346":            {},
		"192.168.1.1:6346":            {},
		"198.17.0.1:6346":             {live: true},
		"198.19.0.1:6346":             {},
		"198.51.100.1:6346":           {},
		"203.0.113.1:6346":            {},
		"223.255.255.255:6346":        {live: true},
		"224.0.0.1:6346":              {},
		"239.255.255.250:6346":        {},
		"240.0.0.1:6346":              {},
		"255.255.255.255:6346":        {},
		"[2a00:1450::1]:6346":         {live: true},
		"[2a00:1450::1]:22":           {},
		"[::]:6346":                   {},
		"[::1]:6346":                  {},
		"[::ffff:8.8.8.8]:6346":       {live: true},
		"[::ffff:10.0.0.1]:6346":      {},
		"[::ffff:127.0.0.1]:6346":     {lab: true},
		"[64:ff9b::8.8.8.8]:6346":     {},
		"[2001::1]:6346":              {},
		"[2001:db8::1]:6346":          {},
		"[2001:470::1]:6346":          {live: true},
		"[2002:808:808::1]:6346":      {},
		"[3fff::1]:6346":              {},
		"[fc00::1]:6346":              {},
		"[fd12:3456::1]:6346":         {},
		"[fe80::1%eth0]:6346":         {},
		"[fec0::1]:6346":              {},
		"[ff02::1]:6346":              {},
		"[2001:db8::1%eth0]:6346":     {},
		"[4000::1]:6346":              {},
		"[8000::1]:6346":              {},
		"[2a00:1450::1%eth0]:6346":    {live: true},
		"[::ffff:192.168.0.1]:6346":   {},
		"[::ffff:203.0.113.255]:6346": {},
	} {
		for _, scope := range []Scope{Live, Lab} {
			p := newPacer(t, Default(scope))
			err := p.Permit(netip.MustParseAddrPort(addr))
			if allowed := map[Scope]bool{Live: want.live, Lab: want.lab}[scope]; (err == nil) != allowed {
				t.Errorf("%s in scope %v: %v, want allowed %v", addr, scope, err, allowed)
			}
		}
	}
}

func TestParseScope(t *testing.T) {
	for _, s := range []Scope{Live, Lab} {
		if got, err := ParseScope(s.String()); got != s || err != nil {
			t.Errorf("ParseScope(%v): %v, %v", s, got, err)
		}
	}
	if _, err := ParseScope("LAN"); err == nil {
		t.Error("LAN is a scope")
	}
}
