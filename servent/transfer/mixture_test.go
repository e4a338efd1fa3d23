package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A kind is a way in which a host of a mixture serves.
type kind struct {
	name   string
	honest bool // what it sends is right, and all that it says
	serve  func(ctx context.Context, c net.Conn)
}

// kinds returns hosts of all ways: some have the content, and others pretend that they have.
func kinds(t *testing.T, content, other []byte) []kind {
	t.Helper()
	mine, name := nameOf(other), nameOf(content)
	good := NewServer(Config{Library: oneFile(t, "file.bin", content)})
	bad := NewServer(Config{Library: oneFile(t, "file.bin", other)})
	short := NewServer(Config{Library: oneFile(t, "file.bin", other[:len(other)/2])})
	busy := NewServer(Config{Library: oneFile(t, "file.bin", content), Slots: 1})
	stubborn := NewServer(Config{Library: oneFile(t, "file.bin", other), Slots: 1})
	busy.slots.free, stubborn.slots.free = 0, 0
	pretends := func(h string) string { return strings.ReplaceAll(h, mine, name) }
	silent := func(h string) string { return without(h, "X-Gnutella-Content-URN", "X-Thex-URI") }
	through := func(s *Server, mine string, forge func(string) string) func(context.Context, net.Conn) {
		return func(ctx context.Context, c net.Conn) { s.Serve(ctx, &forger{Conn: c, mine: mine, forge: forge}) }
	}
	return []kind{
		{"honest", true, func(ctx context.Context, c net.Conn) { good.Serve(ctx, c) }},
		{"without a tree", true, through(good, "", silent)},
		{"cuts", true, func(ctx context.Context, c net.Conn) {
			good.Serve(ctx, &cutter{Conn: c, left: 400_000, cut: func() {}, sent: new(atomic.Int64)})
		}},
		{"busy", true, func(ctx context.Context, c net.Conn) { busy.Serve(ctx, c) }},
		{"nothing", false, func(ctx context.Context, c net.Conn) { NewServer(Config{}).Serve(ctx, c) }},
		{"closes", false, func(_ context.Context, c net.Conn) { c.Close() }},
		{"own tree", false, through(bad, mine, pretends)},
		{"own tree, busy", false, through(stubborn, mine, pretends)},
		{"true root, own tree", false, through(bad, mine, func(h string) string {
			return strings.ReplaceAll(pretends(h), bitprint(other).Tiger.String(), bitprint(content).Tiger.String())
		})},
		{"silent", false, through(bad, mine, silent)},
		{"short", false, through(short, nameOf(other[:len(other)/2]), silent)},
		{"turncoat", false, func(ctx context.Context, c net.Conn) {
			good.Serve(ctx, &turncoat{Conn: c, wait: func() {}, turns: true})
		}},
	}
}

// TestMixtures fetches from hosts of all kinds at once, in fake time. Wherever somebody has the file it must be fetched, and
// nobody be dropped who sent what is right; nothing but the file is ever left under its name.
func TestMixtures(t *testing.T) {
	t.Parallel()
	content, other := noise(900_000, 80), noise(900_000, 81)
	all := kinds(t, content, other)
	random := rand.New(rand.NewPCG(82, 0))
	for round := range 40 {
		var hosts []kind
		for range 1 + random.IntN(5) {
			hosts = append(hosts, all[random.IntN(len(all))])
		}
		job := Job{URN: sha1Of(content), Folder: t.TempDir(), Name: "file.bin", Parallel: 1 + random.IntN(4)}
		if random.IntN(2) == 0 {
			job.Size = uint64(len(content))
		}
		if random.IntN(3) == 0 {
			job.URN = bitprint(content)
		}
		title := fmt.Sprintf("round %d, size %d, tree %t:", round, job.Size, job.URN.Tiger != nil)
		for i, host := range hosts {
			job.Sources = append(job.Sources, Source{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 1)})
			title += " " + host.name + ","
		}
		synctest.Test(t, func(t *testing.T) { fetchMixture(t, title, job, hosts, content) })
	}
}

func fetchMixture(t *testing.T, title string, job Job, hosts []kind, content []byte) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour) // of the fake clock
	defer cancel()
	var running sync.WaitGroup
	job.Dial = func(_ context.Context, s Source) (net.Conn, error) {
		near, far := net.Pipe()
		running.Go(func() { hosts[slices.Index(job.Sources, s)].serve(ctx, far) })
		return near, nil
	}
	r, err := Fetch(ctx, job)
	cancel()
	running.Wait()
	has := func(h kind) bool { return h.honest && h.name != "busy" }
	got, left := os.ReadFile(job.Folder + "/file.bin")
	switch {
	case slices.ContainsFunc(hosts, has):
		if err != nil || !r.Verified || !bytes.Equal(got, content) {
			t.Fatalf("%s: %v", title, err)
		}
		for _, d := range r.Dropped {
			if hosts[slices.Index(job.Sources, d.Source)].honest {
				t.Errorf("%s: dropped %s: %v", title, d.Source.Addr, d.Err)
			}
		}
	case !errors.Is(err, ErrNoSources) && !errors.Is(err, context.DeadlineExceeded) || !errors.Is(left, os.ErrNotExist):
		t.Errorf("%s: %v, and the file %v", title, err, left)
	}
}
