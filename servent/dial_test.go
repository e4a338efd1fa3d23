package servent

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/handshake"
)

// A touchy host is the only one that its Net leads to: it answers handshakes with one code, or cannot be connected to.
type touchy struct {
	Internet
	code int // 0: there is no connection

	mu    sync.Mutex
	times []time.Time // of the attempts to connect
	ends  sync.WaitGroup
}

func (h *touchy) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.times = append(h.times, time.Now())
	if h.code == 0 {
		return nil, net.ErrClosed
	}
	near, far := net.Pipe()
	h.ends.Go(func() {
		defer far.Close()
		handshake.Accept(ctx, far, func(handshake.Fields) handshake.Reply { return handshake.Reply{Code: h.code} })
	})
	return near, nil
}

// TestRedialling: a host that refuses is dialled again, but not so often that it would ban the node, and not while it does; one
// that cannot be connected to is tried more often.
func TestRedialling(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]struct{ least, most int }{503: {18, 20}, 429: {2, 2}, 0: {55, 80}} {
		synctest.Test(t, func(t *testing.T) {
			host := &touchy{code: code}
			n, err := New(Config{Addr: netip.MustParseAddrPort("127.64.3.1:6346"), Role: Leaf, Dialect: GTKG, Net: host})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 590*time.Second)
			defer cancel()
			n.keep(ctx, netip.MustParseAddrPort("127.64.3.2:6346"))
			host.ends.Wait()
			if got := len(host.times); got < want.least || got > want.most {
				t.Errorf("code %d: %d attempts in ten minutes", code, got)
			}
			for i, at := range host.times {
				if code > 0 && i >= 2 && at.Sub(host.times[i-2]) <= time.Minute {
					t.Errorf("code %d: the third handshake within a minute at %v", code, at)
				}
			}
		})
	}
}
