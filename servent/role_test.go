package servent_test

import (
	"errors"
	"net/netip"
	"testing"

	"gnucensus/servent"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// auto is a configuration that leaves its role open.
func auto(at string, connect ...string) servent.Config {
	c := ultrapeer(at)
	c.Role = servent.Auto
	for _, to := range connect {
		c.Connect = append(c.Connect, addr(to))
	}
	return c
}

// noUltrapeers is a configuration that has room for leaves alone.
func noUltrapeers(at string) servent.Config {
	c := ultrapeer(at)
	c.Slots = servent.Slots{Leaves: 2}
	return c
}

// ended waits for the end of a link.
func (r *running) ended(t *testing.T) servent.LinkEvent {
	t.Helper()
	for {
		if e := r.event(t); !e.Began {
			return e
		}
	}
}

// TestLeafGuidance: an ultrapeer that has room for leaves alone makes a leaf of a node that leaves its role open.
func TestLeafGuidance(t *testing.T) {
	t.Parallel()
	host := run(t, noUltrapeers("127.20.10.1:6346"))
	node := run(t, auto("127.20.10.2:6346", "127.20.10.1:6346"))
	if e := host.began(t); e.Role != servent.Leaf || e.Addr != addr("127.20.10.2:6346") {
		t.Errorf("the ultrapeer has a link %+v", e)
	}
	if e := node.began(t); e.Role != servent.Ultrapeer || node.Role() != servent.Leaf {
		t.Errorf("the node has a link %+v, and is a %s", e, node.Role())
	}
	if got := refusal(t, "127.20.10.2:6346", "X-Ultrapeer", "False"); got.Code != 204 {
		t.Errorf("the leaf answers a leaf with %d %s", got.Code, got.Reason)
	}

	host.stop() // without its ultrapeer, the node is an ultrapeer again
	node.ended(t)
	join(t, "127.20.10.2:6346")
	node.began(t)
	if node.Role() != servent.Ultrapeer {
		t.Errorf("the node is still a %s", node.Role())
	}
}

// TestGuidanceIsNotFollowed by a node with a leaf of its own, and by one that is to be an ultrapeer: there is no seat for them.
func TestGuidanceIsNotFollowed(t *testing.T) {
	t.Parallel()
	host := run(t, noUltrapeers("127.20.11.1:6346"))
	parent := ultrapeer("127.20.11.2:6346")
	parent.Connect = []netip.AddrPort{addr("127.20.11.1:6346")}
	run(t, parent)
	for _, offer := range []string{"True", "Perhaps"} {
		s, err := handshake.DialFunc(within(t), connect(t, "127.20.11.1:6346"), fields("X-Ultrapeer", "True", "Node", "127.20.11.9:1"),
			func(answer handshake.Fields) handshake.Reply {
				if needed, known := answer.Bool("X-Ultrapeer-Needed"); needed || !known {
					t.Errorf("answer %v needs ultrapeers", answer)
				}
				return handshake.Accepted(fields("X-Ultrapeer", offer))
			})
		if err != nil {
			t.Fatal(err)
		}
		if _, closed := said(t, s.Conn, ""); !closed {
			t.Error("the link of an ultrapeer without a slot goes on")
		}
	}
	s, err := handshake.DialFunc(within(t), connect(t, "127.20.11.1:6346"), fields("X-Ultrapeer", "True", "Node", "127.20.11.9:1"),
		func(handshake.Fields) handshake.Reply { return handshake.Accepted(fields("X-Ultrapeer", "False")) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Conn.Close()
	if e := host.began(t); e.Role != servent.Leaf {
		t.Errorf("the first link that stands is %+v", e)
	}
}

// TestNewcomersBehindRouters: who says that it listens where it cannot be reached is known by where it comes from, so that several
// may say the same.
func TestNewcomersBehindRouters(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.64.6.1:6346")
	host := run(t, c)
	for _, c := range []struct {
		said string
		want netip.AddrPort
	}{
		{"192.168.1.2:6347", addr("127.0.0.1:6347")},
		{"0.0.0.0:6348", addr("127.0.0.1:6348")},
		{"198.51.100.7:6349", addr("198.51.100.7:6349")},
		{"192.168.1.3:6347", netip.AddrPort{}},
	} {
		join(t, "127.64.6.1:6346", "Listen-IP", c.said)
		if e := host.began(t); e.Addr != c.want {
			t.Errorf("%s is known by %v", c.said, e.Addr)
		}
	}
}

// TestLastSlot: an ultrapeer that comes into the last slot is not told to become a leaf, and when it becomes one all the same it
// has the seat of a leaf.
func TestLastSlot(t *testing.T) {
	t.Parallel()
	c := ultrapeer("127.64.2.1:6346")
	c.Slots = servent.Slots{Ultrapeers: 1, Leaves: 1}
	host := run(t, c)
	come := func(ack handshake.Fields) servent.Role {
		s, err := handshake.DialFunc(within(t), connect(t, "127.64.2.1:6346"), fields("X-Ultrapeer", "True"),
			func(answer handshake.Fields) handshake.Reply {
				if needed, known := answer.Bool("X-Ultrapeer-Needed"); !needed || !known {
					t.Errorf("answer %v for the last slot", answer)
				}
				return handshake.Accepted(ack)
			})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Conn.Close() })
		return host.began(t).Role
	}
	if got := come(fields("X-Ultrapeer", "False")); got != servent.Leaf {
		t.Errorf("who became a leaf is an %s", got)
	}
	if got := come(nil); got != servent.Ultrapeer {
		t.Errorf("who came into the last slot is a %s", got)
	}
}

// TestGuidanceEndsOtherLinks: who becomes a leaf parts from those that know it as an ultrapeer.
func TestGuidanceEndsOtherLinks(t *testing.T) {
	t.Parallel()
	node := run(t, auto("127.20.12.1:6346", "127.20.12.2:6346"))
	friend, err := handshake.Dial(within(t), connect(t, "127.20.12.1:6346"), fields("X-Ultrapeer", "True", "Bye-Packet", "0.1"))
	if err != nil {
		t.Fatal(err)
	}
	l := linked(t, friend)
	node.began(t)
	run(t, noUltrapeers("127.20.12.2:6346"))
	if _, bye := next[*message.Bye](t, l); bye.Code != 203 {
		t.Errorf("BYE %d", bye.Code)
	}
	l.Close()
	if node.Role() != servent.Leaf {
		t.Errorf("the node is an %s", node.Role())
	}
}

// TestGuidanceBindsTheYounger: who has run for longer stays what it is.
func TestGuidanceBindsTheYounger(t *testing.T) {
	t.Parallel()
	node := run(t, auto("127.20.13.1:6346", "127.20.13.2:6346"))
	come := mute(t, "127.20.13.2:6346", "GNUTELLA ")
	conn := <-come
	s, err := handshake.Accept(within(t), &prefixed{Conn: conn, read: []byte("GNUTELLA ")}, func(handshake.Fields) handshake.Reply {
		return handshake.Accepted(fields("X-Ultrapeer", "True", "X-Ultrapeer-Needed", "False",
			"X-Live-Since", "Fri, 20 Nov 2099 21:57:17 +0000"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Ack.Has("X-Ultrapeer") {
		t.Errorf("ack %v", s.Ack)
	}
	node.began(t)
	if node.Role() != servent.Ultrapeer {
		t.Errorf("the node is a %s", node.Role())
	}
	conn.Close()
}

// TestDiallerWantsUltrapeers: nobody links itself to a leaf.
func TestDiallerWantsUltrapeers(t *testing.T) {
	t.Parallel()
	come := mute(t, "127.20.14.2:6346", "GNUTELLA ")
	c := leaf("127.20.14.3:6346")
	c.Connect = []netip.AddrPort{addr("127.20.14.2:6346")}
	run(t, c)
	_, err := handshake.Accept(within(t), &prefixed{Conn: <-come, read: []byte("GNUTELLA ")}, func(handshake.Fields) handshake.Reply {
		return handshake.Accepted(fields("X-Ultrapeer", "False"))
	})
	var refused *handshake.Refused
	if !errors.As(err, &refused) || refused.Code != 403 || refused.Ours {
		t.Errorf("error %v", err)
	}
}
