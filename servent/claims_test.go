package servent

import (
	"net/netip"
	"testing"
	"time"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// TestQueryKeysGrowOld: a key holds for the address that it was given to, for a day or two.
func TestQueryKeysGrowOld(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		to, other := netip.MustParseAddrPort("192.0.2.1:6346"), netip.MustParseAddrPort("192.0.2.1:6347")
		key := r.queryKey(to, 0)
		if !r.gaveKey(key, to) || r.gaveKey(key, other) || r.gaveKey(nil, to) || r.gaveKey(key[:3], to) {
			t.Error("a key is good for one address")
		}
		time.Sleep(guessKeyLife)
		if !r.gaveKey(key, to) {
			t.Error("after a day a key is no good")
		}
		time.Sleep(guessKeyLife)
		if r.gaveKey(key, to) {
			t.Error("after two days a key is good")
		}
	})
}

// TestTokensOfOneQuery: the token of one query, or of one responder, fetches nothing for another, and nothing twice.
func TestTokensOfOneQuery(t *testing.T) {
	t.Parallel()
	s := newSecret()
	from, other := netip.MustParseAddrPort("192.0.2.1:6346"), netip.MustParseAddrPort("192.0.2.1:6347")
	one, two := message.NewGUID(), message.NewGUID()
	token := s.token(one[:], from)
	hit := func(token []byte) *message.QueryHit {
		private, err := ggep.Append(nil, ggep.SO(token))
		if err != nil {
			t.Fatal(err)
		}
		flags := message.HitFlags{GGEP: true}
		return &message.QueryHit{Results: make([]message.Result, 1), Tail: message.QHD{Open: flags.Open(), Private: private}.Append(nil)}
	}
	for name, c := range map[string]struct {
		id   message.GUID
		from netip.AddrPort
		good bool
	}{"its own": {one, from, true}, "of another query": {two, from, false}, "of another responder": {one, other, false}} {
		fetched := claims{most: 1}
		fetched.make(c.from, claim{left: 1, token: s.token(c.id[:], c.from)})
		if got := fetched.meet(c.from, hit(token)); got != c.good {
			t.Errorf("%s: taken %v", name, got)
		}
		if fetched.meet(c.from, hit(token)) {
			t.Errorf("%s: taken once more", name)
		}
		if again := fetched.make(c.from, claim{left: 1}); again == c.good {
			t.Errorf("%s: fetched once more %v", name, again)
		}
	}
}

// TestClaimsAreBounded: one query fetches from so many responders.
func TestClaimsAreBounded(t *testing.T) {
	t.Parallel()
	s := claims{most: leafClaimsKept}
	for i := range 2 * leafClaimsKept {
		s.make(netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, 0, byte(i >> 8), byte(i)}), 6346), claim{left: 1})
	}
	if len(s.by) != leafClaimsKept {
		t.Errorf("%d claims", len(s.by))
	}
}
