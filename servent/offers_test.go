package servent

import (
	"net/netip"
	"testing"
	"time"

	"gnucensus/servent/message"
)

// offered makes an offer of hits to an address.
func offered(to string) offer {
	return offer{to: netip.MustParseAddrPort(to), number: message.Message{GUID: message.NewGUID()}}
}

// fetched packs no results into so many hits.
func fetched(hits int) func([]message.Result) []message.Message {
	return func([]message.Result) []message.Message { return make([]message.Message, hits) }
}

// TestOffersAreToldAgain: what nobody fetches is told of three times more, and then forgotten.
func TestOffersAreToldAgain(t *testing.T) {
	t.Parallel()
	s, began := newOffers(), time.Now()
	o := offered("192.0.2.1:6346")
	if !s.make(o, began) {
		t.Fatal("no offer")
	}
	told := 0
	for after := time.Duration(0); after <= 2*offerLife; after += time.Second {
		out, next := s.ready(began.Add(after), nil)
		if !next.After(began.Add(after)) {
			t.Fatalf("after %v: next at %v", after, next.Sub(began))
		}
		told += len(out)
	}
	if told != 4 || len(s.byID) > 0 {
		t.Errorf("told %d times, %d are kept", told, len(s.byID))
	}
}

// TestHitsArePaced: hits to one address leave one after another, whatever query they answer, and hold up nobody else's.
func TestHitsArePaced(t *testing.T) {
	t.Parallel()
	const pause = time.Second
	s, began := newOffers(), time.Now()
	one, two, other := offered("192.0.2.1:6346"), offered("192.0.2.1:6347"), offered("192.0.2.2:6346")
	for _, o := range []offer{one, two, other} {
		s.make(o, began)
		s.take(o.number.GUID, o.to, began, fetched(2))
		s.take(o.number.GUID, o.to, began, fetched(2)) // once more: nothing is left
	}
	sent := map[netip.Addr]int{}
	for step := range 5 {
		out, _ := s.ready(began.Add(time.Duration(step)*pause), func() time.Duration { return pause })
		now := map[netip.Addr]int{}
		for _, p := range out {
			sent[p.to.Addr()]++
			if now[p.to.Addr()]++; now[p.to.Addr()] > 1 {
				t.Errorf("step %d: two hits at once to %v", step, p.to)
			}
		}
	}
	if sent[one.to.Addr()] != 4 || sent[other.to.Addr()] != 2 || len(s.byID) > 0 {
		t.Errorf("sent %v, %d offers are kept", sent, len(s.byID))
	}
}

// TestOffersAreBounded: of offers, of hits for one of them, and of what an address may leave lying.
func TestOffersAreBounded(t *testing.T) {
	t.Parallel()
	s, began := newOffers(), time.Now()
	kept := 0
	for i := range 2 * offersKept {
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 20)}), 6346)
		if s.make(offer{to: to, number: message.Message{GUID: message.NewGUID()}}, began) {
			kept++
		}
	}
	if kept != offersKept || len(s.byID) != kept {
		t.Errorf("%d offers", kept)
	}
	s = newOffers()
	o := offered("192.0.2.1:6346")
	s.make(o, began)
	s.take(o.number.GUID, o.to, began, fetched(2*hitsQueued))
	if got := len(s.byID[o.number.GUID].hits); got != hitsQueued {
		t.Errorf("%d hits wait", got)
	}
	for range mostDebt + 1 {
		s.make(offered("192.0.2.1:6346"), began)
	}
	if s.make(offered("192.0.2.1:6346"), began.Add(debtTime)) || !s.make(offered("192.0.2.1:6346"), began.Add(debtBan+time.Second)) {
		t.Error("who leaves too much lying is banned for a while")
	}
}
