package link

import (
	"context"
	"errors"
	"net"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"

	"pgregory.net/rapid"
)

// packet returns one of a class, of so many bytes at least.
func packet(tb testing.TB, c class, size int) Packet {
	tb.Helper()
	m := message.Message{GUID: message.NewGUID(), TTL: 1}
	switch filler := make([]byte, size); c {
	case others:
		m.Hops, m.Body = 1, &message.Pong{Tail: filler}
	case queries:
		m.Body = &message.Query{Flags: message.QueryMark, Tail: filler}
	case hits:
		m.Body = &message.QueryHit{Tail: filler}
	case pushes:
		m.Body = &message.Push{Tail: filler}
	case urgent:
		m.Body = (&message.HopsFlow{Tail: filler}).Vendor()
	default:
		m.Body = &message.Pong{Tail: filler}
	}
	p, err := Pack(m)
	if err != nil {
		tb.Fatal(err)
	}
	if p.class() != c {
		tb.Fatalf("%s is of class %d, want %d", p.kind(), p.class(), c)
	}
	return p
}

// TestQueueDropsWhatIsWorthLeast compares with the rule: of all that wait and the new packet, those of the lowest class go, the
// oldest first; what stays leaves in order.
func TestQueueDropsWhatIsWorthLeast(t *testing.T) {
	const limit = 1000
	rapid.Check(t, func(rt *rapid.T) {
		var q queue
		var model []Packet
		size := func() (n int) {
			for _, p := range model {
				n += len(p.wire)
			}
			return n
		}
		for range rapid.IntRange(0, 100).Draw(rt, "steps") {
			if rapid.IntRange(0, 3).Draw(rt, "pop") == 0 {
				p, ok := q.pop()
				if ok != (len(model) > 0) {
					rt.Fatalf("pop gave something: %v, of %d", ok, len(model))
				}
				if ok {
					first := max(0, slices.IndexFunc(model, func(p Packet) bool { return p.class() == urgent }))
					if &p.wire[0] != &model[first].wire[0] {
						rt.Fatalf("pop gave one of class %d, want the first of %d", p.class(), len(model))
					}
					model = slices.Delete(model, first, first+1)
				}
				continue
			}
			c := class(rapid.IntRange(0, int(urgent)).Draw(rt, "class"))
			p := packet(t, c, rapid.IntRange(0, 200).Draw(rt, "size"))
			var lost []Packet
			full := !q.push(p, limit, func(p Packet) { lost = append(lost, p) })
			model = append(model, p)
			for _, got := range lost {
				worst := slices.IndexFunc(model, func(p Packet) bool {
					return p.class() == slices.MinFunc(model, func(a, b Packet) int { return int(a.class()) - int(b.class()) }).class()
				})
				if model[worst].class() == c && &got.wire[0] == &p.wire[0] {
					worst = len(model) - 1 // alone in its class, or there would be an older one
				}
				if &model[worst].wire[0] != &got.wire[0] {
					rt.Fatalf("dropped one of class %d, want one of class %d", got.class(), model[worst].class())
				}
				model = slices.Delete(model, worst, worst+1)
			}
			above := size() > limit && len(model) > 1
			droppable := slices.ContainsFunc(model, func(p Packet) bool { return p.class() < control })
			if full != above || full && droppable {
				rt.Fatalf("full: %v, with %d bytes of %d packets", full, size(), len(model))
			}
			if full {
				model = model[:len(model)-1]
			}
			if q.bytes != size() {
				rt.Fatalf("the queue counts %d bytes, and has %d", q.bytes, size())
			}
		}
	})
}

// TestFlowControl sends to a peer that does not read, and then does: nothing is lost but what is counted, and what is worth
// most arrives.
func TestFlowControl(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		var flow []bool
		a := New(&handshake.Session{Conn: near}, Config{Queue: 8 << 10, Flow: func(congested bool) { flow = append(flow, congested) }})
		b := New(&handshake.Session{Conn: far}, Config{})
		run(t, t.Context(), a)
		if err := a.SendPacket(packet(t, control, 0)); err != nil { // the writer is stuck with it
			t.Fatal(err)
		}
		synctest.Wait()
		sent := map[class]int{queries: 200, hits: 50, pushes: 3}
		for c, n := range sent {
			for range n {
				if err := a.SendPacket(packet(t, c, 100)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !a.Congested() || len(flow) != 1 || !flow[0] {
			t.Errorf("congested: %v, told %v", a.Congested(), flow)
		}
		counters := a.Counters()
		if counters.Waiting > 8<<10 || counters.Waiting < 7<<10 {
			t.Errorf("%d bytes wait", counters.Waiting)
		}
		receive(t, b)
		got := make(map[message.Type]int)
		for want := 253 - sum(counters.Dropped); want > 0; want-- {
			got[receive(t, b).Body.Type()]++
		}
		synctest.Wait()
		if a.Congested() || len(flow) != 2 || flow[1] {
			t.Errorf("congested: %v, told %v", a.Congested(), flow)
		}
		lost := counters.Dropped
		if got[message.TypePush] != 3 || got[message.TypeQueryHit] != 50 || lost[message.TypeQuery].Messages == 0 {
			t.Errorf("received %v, dropped %v", got, lost)
		}
		if n := got[message.TypeQuery] + int(lost[message.TypeQuery].Messages); n != 200 {
			t.Errorf("%d of 200 queries were received or dropped", n)
		}
	})
}

func sum(counts map[message.Type]Count) (n int) {
	for _, c := range counts {
		n += int(c.Messages)
	}
	return n
}

// TestStall: a peer that takes nothing for a while is given up; one that takes its time is not.
func TestStall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		const stall = 10 * time.Second
		l := New(&handshake.Session{Conn: near}, Config{Stall: stall})
		wait := run(t, t.Context(), l)
		peer := New(&handshake.Session{Conn: far}, Config{})
		for range 3 {
			if err := l.Send(ping()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(stall - 1)
			receive(t, peer)
		}
		began := time.Now()
		if err := l.Send(ping()); err != nil {
			t.Fatal(err)
		}
		if err := wait(); !errors.Is(err, ErrStalled) || time.Since(began) != stall {
			t.Errorf("error %v after %v; want a stall after %v", err, time.Since(began), stall)
		}
		if _, err := l.Receive(t.Context()); !errors.Is(err, ErrStalled) {
			t.Errorf("receive: %v; want the reason", err)
		}
	})
}

// TestByeToAStalledPeer lasts no longer than its context, though the writer waits for the peer.
func TestByeToAStalledPeer(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer far.Close()
	l := New(&handshake.Session{Conn: near, Theirs: handshake.Fields{{Name: "Bye-Packet", Value: "0.1"}}}, Config{})
	run(t, t.Context(), l)
	if err := l.Send(ping()); err != nil {
		t.Fatal(err)
	}
	for l.Counters().Waiting > 0 { // until the writer has it
		runtime.Gosched()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	l.Bye(ctx, 200, "leaving") // nobody hears it
	if err := l.SendPacket(packet(t, control, 0)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("send after the goodbye: %v", err)
	}
}

// BenchmarkQueue sends one packet after another to a peer that does not read.
func BenchmarkQueue(b *testing.B) {
	var q queue
	p := packet(b, queries, 40)
	for b.Loop() {
		q.push(p, defaultQueue, func(Packet) {})
	}
}
