package servent

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// TestAbilitiesAreTold: what a node says of itself, a peer reads as what it can do.
func TestAbilitiesAreTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		dialect Dialect
		role    Role
		slots   Slots
		want    abilities
	}{
		{"ultrapeer", GTKG, Ultrapeer, Slots{Ultrapeers: 32, Leaves: 30}, abilities{
			routing: true, lastHop: true, dynamic: true, probes: true, vendor: true, pongs: true, guess: true,
			degree: 32, maxTTL: maxTTL}},
		{"leaf", LimeWire, Leaf, Slots{Ultrapeers: 3}, abilities{
			routing: true, lastHop: true, dynamic: true, vendor: true, degree: usualDegree, maxTTL: maxTTL}},
		{"plain", Plain, Ultrapeer, Slots{Ultrapeers: 500}, abilities{routing: true, degree: mostDegree, maxTTL: maxTTL}},
	} {
		n, err := New(Config{Addr: netip.MustParseAddrPort("127.30.61.1:6346"), Role: c.role, Dialect: c.dialect, Slots: c.slots})
		if err != nil {
			t.Fatal(err)
		}
		f := n.abilities(c.role)
		if diff := cmp.Diff(c.want, readAbilities(f), cmp.AllowUnexported(abilities{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if ultrapeer, known := f.Bool("X-Ultrapeer"); !known || ultrapeer != (c.role == Ultrapeer) {
			t.Errorf("%s: X-Ultrapeer %v", c.name, ultrapeer)
		}
	}
}

// TestAbilitiesAreRead: what peers do not say, or say wrongly, is taken for what is usual.
func TestAbilitiesAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		degree, ttl string
		want        abilities
	}{
		{"", "", abilities{degree: plainDegree, maxTTL: maxTTL}},
		{"0", "0", abilities{degree: plainDegree, maxTTL: maxTTL}},
		{"-3", "x", abilities{degree: plainDegree, maxTTL: maxTTL}},
		{"1000000000000", "255", abilities{degree: mostDegree, maxTTL: maxTTL}},
		{"1000", "3", abilities{degree: mostDegree, maxTTL: 3}},
	} {
		f := handshake.Fields{{Name: "X-Degree", Value: c.degree}, {Name: "X-Max-TTL", Value: c.ttl}}
		if diff := cmp.Diff(c.want, readAbilities(f), cmp.AllowUnexported(abilities{})); diff != "" {
			t.Errorf("degree %q, TTL %q (-want +got):\n%s", c.degree, c.ttl, diff)
		}
	}
}

// TestCrawlOfTheCrawlable: of ultrapeers that say that they answer such pings, who asks for those alone is told of no others.
func TestCrawlOfTheCrawlable(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		ups, leaf := r.several(3, Ultrapeer, modern), r.plays(Leaf, nil)
		old, gtkg, limeWire := ups[0], ups[1], ups[2]
		gtkg.supports(message.SupportedMessage{Vendor: message.LIME, Selector: 5, Version: 1})
		limeWire.supports(lime...)
		synctest.Wait()
		for features, want := range map[message.CrawlerFeatures][]*player{
			0: {old, gtkg, limeWire}, message.FeatureNew: {gtkg, limeWire},
		} {
			pong := r.crawlerPong(&message.CrawlerPing{Ultrapeers: 255, Leaves: 255, Features: features})
			var addrs, got []netip.AddrPort
			for _, p := range want {
				addrs = append(addrs, p.peer.addr)
			}
			for _, e := range pong.Ultrapeers {
				got = append(got, e.Addr)
			}
			if !slices.Equal(got, addrs) || len(pong.Leaves) != 1 || pong.Leaves[0].Addr != leaf.peer.addr {
				t.Errorf("features %#x: %v and %v, want %v", features, got, pong.Leaves, addrs)
			}
		}
	})
}

// TestIntroductions: who reads vendor messages is told first which ones the node reads, and what else it can do.
func TestIntroductions(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		messages := r.plays(Leaf, modern).all()
		if len(messages) < 2 {
			t.Fatalf("%d messages", len(messages))
		}
		var opened [2]message.VendorMessage
		for i := range opened {
			v, ok := messages[i].Body.(*message.Vendor)
			if !ok {
				t.Fatalf("message %d is %+v", i, messages[i])
			}
			opened[i], _ = v.Open()
		}
		list, ok := opened[0].(*message.MessagesSupported)
		if !ok {
			t.Fatalf("first comes %+v", opened[0])
		}
		for _, selector := range []uint16{4, 11, 12} {
			if _, reads := list.Supports(message.BEAR, selector); !reads {
				t.Errorf("BEAR/%d is not told", selector)
			}
		}
		for _, selector := range []uint16{5, 6} { // who lists them is crawled by those who look for new servents
			if _, reads := list.Supports(message.LIME, selector); !reads {
				t.Errorf("LIME/%d is not told", selector)
			}
		}
		if features, ok := opened[1].(*message.FeaturesSupported); !ok || len(features.Features) == 0 {
			t.Errorf("then comes %+v", opened[1])
		}
		if vendors, _ := heard[*message.Vendor](r.plays(Leaf, nil)); len(vendors) > 0 {
			t.Errorf("who reads none gets %+v", vendors)
		}
	})
}
