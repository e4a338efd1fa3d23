package pace

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func door(t *testing.T, l Limits, machines ...string) *Door {
	t.Helper()
	d, err := newPacer(t, l).Door(machines...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDoorLeadsToTheNamedAlone(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.20.40.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	named := l.Addr().String()
	d := door(t, Default(Lab), named, "localhost:1")
	c, err := d.DialContext(t.Context(), "tcp", named)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for machine, want := range map[string]string{
		"127.20.40.1:1": "not named", "localhost:2": "not named", "localhost": "not named", "": "not named",
	} {
		var scope *ScopeError
		if _, err := d.DialContext(t.Context(), "tcp", machine); !errors.As(err, &scope) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v", machine, err)
		}
	}
	if _, err := d.DialContext(t.Context(), "udp", named); err == nil {
		t.Error("a connection by UDP")
	}
	if addrs, err := d.Resolve(t.Context(), "localhost:1"); err != nil || addrs[0] != netip.MustParseAddrPort("127.0.0.1:1") {
		t.Errorf("localhost is %v, error %v", addrs, err)
	}
}

// TestDoorKeepsTheScope: what was named, and what a name resolves to, is no way into reserved ranges or to who opted out.
func TestDoorKeepsTheScope(t *testing.T) {
	t.Parallel()
	x := exclusions(t, "127.20.41.0/24\n9.9.9.9\n")
	for machine, test := range map[string]struct {
		scope Scope
		ok    bool
	}{
		"8.8.8.8:80":      {Live, true},
		"8.8.4.4:443":     {Live, true},
		"9.9.9.9:80":      {Live, false},
		"localhost:80":    {Live, false},
		"192.168.1.1:80":  {Live, false},
		"[::1]:80":        {Live, false},
		"127.20.41.7:80":  {Lab, false},
		"127.20.42.7:80":  {Lab, true},
		"8.8.8.8:6346":    {Lab, false},
		"[2a00:1::1]:443": {Live, true},
	} {
		limits := Default(test.scope)
		limits.Exclude = x
		_, err := door(t, limits, machine).Resolve(t.Context(), machine)
		if scope := new(ScopeError); (err == nil) != test.ok || err != nil && !errors.As(err, &scope) {
			t.Errorf("%s in scope %v: %v, want allowed %v", machine, test.scope, err, test.ok)
		}
		if to, err := netip.ParseAddrPort(machine); err == nil && test.ok && test.scope == Live {
			if err := newPacer(t, limits).Permit(to); err == nil {
				t.Errorf("%s may be visited", machine)
			}
		}
	}
}

func TestDoorIsPaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := Default(Live)
		limits.Attempts = 2 * HostBurst
		p := newPacer(t, limits)
		d, err := p.Door("8.8.8.8:80")
		if err != nil {
			t.Fatal(err)
		}
		for range hostBucket {
			if err := p.turn(t.Context(), nil, netip.MustParseAddrPort("8.8.8.8:6346"), opening, 0, p.Permit); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if _, err := d.DialContext(ctx, "tcp", "8.8.8.8:80"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the turn of the cache: %v", err)
		}
	})
}

func TestDoorNeedsNames(t *testing.T) {
	t.Parallel()
	for _, machine := range []string{"", "cache.example.org", "cache.example.org:", ":80", "cache.example.org:0", "a:b:1", "a:99999"} {
		if _, err := newPacer(t, Default(Live)).Door(machine); err == nil {
			t.Errorf("%q: no error", machine)
		}
	}
}
