package servent_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"

	"gnucensus/servent"
	"gnucensus/servent/transfer"
	"gnucensus/servent/urn"
)

// A severed connection breaks after some bytes, if there is a limit; all that it brings are counted.
type severed struct {
	net.Conn
	left    int // bytes; negative: no limit
	brought *atomic.Int64
}

func (c *severed) Read(b []byte) (int, error) {
	if c.left == 0 {
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	if c.left > 0 {
		b = b[:min(len(b), c.left)]
	}
	n, err := c.Conn.Read(b)
	c.brought.Add(int64(n))
	if c.left > 0 {
		c.left -= n
	}
	return n, err
}

// TestFetchThroughPush fetches a file from a node that refuses incoming connections, by PUSH by way of its ultrapeer. The connection
// is cut when a quarter has come, and the fetch ends when half has; another one goes on from there. The file has 100 MB, and less
// under the race detector.
func TestFetchThroughPush(t *testing.T) {
	t.Parallel()
	size := 100_000_000
	if raceDetector {
		size = 5_000_000
	}
	up, behind, _, content := walled(t, "127.23.7", size)
	if _, err := net.Dial("tcp", behind.Addr().String()); err == nil {
		t.Fatal("it does not refuse connections")
	}
	c := at(leaf("127.23.7.3:6346"))
	caller := run(t, c)
	sum, tree, err := urn.Hash(t.Context(), bytes.NewReader(content), uint64(size))
	if err != nil {
		t.Fatal(err)
	}
	root := tree.Root()
	var brought, calls atomic.Int64
	callee := servent.Callee{Servent: behind.GUID(), Proxies: []netip.AddrPort{up.Addr()}}
	job := transfer.Job{
		URN: urn.URN{SHA1: &sum, Tiger: &root}, Name: "fetched.bin", Folder: t.TempDir(),
		Sources: []transfer.Source{{Servent: behind.GUID()}},
		Dial: func(ctx context.Context, _ transfer.Source) (net.Conn, error) {
			conn, err := caller.Call(ctx, callee)
			if err != nil {
				return nil, err
			}
			limit := -1
			if calls.Add(1) == 1 {
				limit = size / 4
			}
			return &severed{Conn: conn, left: limit, brought: &brought}, nil
		},
	}
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	first := job
	first.Rate = size / 2 // so that it takes long enough to be ended
	first.Progress = func(p transfer.Progress) {
		if p.Done >= uint64(size/2) {
			cancel()
		}
	}
	if _, err := transfer.Fetch(ctx, first); !errors.Is(err, context.Canceled) {
		t.Fatalf("first part: %v", err)
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("called %d times for a connection that was cut once", n)
	}
	brought.Store(0)
	result, err := transfer.Fetch(within(t), job)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(result.Path); err != nil || !bytes.Equal(got, content) || !result.Verified || *result.URN.SHA1 != sum {
		t.Errorf("%d bytes, %v, %+v", len(got), err, result)
	}
	if n := brought.Load(); n > int64(size)*6/10 {
		t.Errorf("half was there, and %d of %d bytes came once more", n, size)
	}
}
