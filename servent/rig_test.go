package servent

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/library"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
	"gnucensus/servent/qrp"
)

// A rig is a node whose neighbours the test plays itself, in fake time: their links are pipes, their handshakes are made up.
type rig struct {
	*Node
	t    *testing.T
	ctx  context.Context
	ends sync.WaitGroup
}

// inRig runs a test on a rig; the node is an ultrapeer that shares one file, unless the changes say otherwise.
func inRig(t *testing.T, test func(r *rig), changes ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{
			Addr: netip.MustParseAddrPort("127.30.60.1:6346"), Role: Ultrapeer, Dialect: GTKG,
			Slots:   Slots{Ultrapeers: 32, Leaves: 32},
			Library: library.New([]library.File{{Name: "shared file.txt", Size: 1}}),
		}
		for _, change := range changes {
			change(&cfg)
		}
		n, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		r := &rig{Node: n, t: t, ctx: ctx}
		n.started = time.Now()
		r.ends.Go(func() { n.keepTable(ctx) })
		r.ends.Go(func() { n.discover(ctx) })
		r.ends.Go(func() { n.post(ctx) })
		r.ends.Go(func() { n.testWall(ctx) })
		test(r)
		end()
		r.ends.Wait()
	})
}

// A player plays a neighbour of the node.
type player struct {
	*link.Link
	r    *rig
	peer *peer

	mu  sync.Mutex
	got []message.Message // that the test has not looked at
	err error             // why its link ended
}

// modern are the fields of a neighbour that knows all that the node knows.
var modern = handshake.Fields{
	{Name: "Bye-Packet", Value: "0.1"}, {Name: "Vendor-Message", Value: "0.2"}, {Name: "Pong-Caching", Value: "0.1"},
	{Name: "X-Query-Routing", Value: "0.1"}, {Name: "X-Ultrapeer-Query-Routing", Value: "0.1"},
	{Name: "X-Dynamic-Querying", Value: "0.1"}, {Name: "X-Ext-Probes", Value: "0.1"},
	{Name: "X-Degree", Value: "16"}, {Name: "X-Max-TTL", Value: "4"},
}

// plays links a neighbour of a role to the node. It reads messages as they come, and keeps them for the test.
func (r *rig) plays(role Role, theirs handshake.Fields) *player {
	p := r.stalls(role, theirs)
	p.reads()
	return p
}

// stalls links a neighbour that does not read.
func (r *rig) stalls(role Role, theirs handshake.Fields) *player {
	r.t.Helper()
	return r.meets(role, netip.AddrPort{}, theirs)
}

// playsFrom links an ultrapeer whose connection comes from a host.
func (r *rig) playsFrom(host string, theirs handshake.Fields) *player {
	r.t.Helper()
	p := r.meets(Ultrapeer, netip.AddrPortFrom(netip.MustParseAddr(host), 6346), theirs)
	p.reads()
	return p
}

// meets links a neighbour to the node.
func (r *rig) meets(role Role, remote netip.AddrPort, theirs handshake.Fields) *player {
	r.t.Helper()
	ours, far := net.Pipe()
	p := &player{r: r, Link: link.New(&handshake.Session{Conn: far}, link.Config{})}
	p.peer = newPeer(nil, remote)
	p.peer.role, p.peer.as = role, r.Role()
	p.peer.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, role[0], byte(r.seats.used(role) + 1)}), 6346)
	if got := r.seats.take(p.peer); got != seated {
		r.t.Fatalf("no seat: %d", got)
	}
	r.ends.Go(func() { r.serve(r.ctx, p.peer, &handshake.Session{Conn: ours, Theirs: theirs}) })
	r.ends.Go(func() { p.Run(r.ctx) })
	synctest.Wait()
	return p
}

// reads reads messages until the link ends.
func (p *player) reads() {
	p.r.ends.Go(func() {
		for {
			m, err := p.Receive(p.r.ctx)
			p.mu.Lock()
			if p.err = err; err == nil {
				p.got = append(p.got, m)
			}
			p.mu.Unlock()
			if err != nil {
				p.Close()
				return
			}
		}
	})
	synctest.Wait()
}

// says sends a message.
func (p *player) says(m message.Message) {
	p.r.t.Helper()
	if err := p.Send(m); err != nil {
		p.r.t.Fatal(err)
	}
}

// asks sends a query and returns its GUID.
func (p *player) asks(words string, ttl, hops uint8) message.GUID {
	p.r.t.Helper()
	id := message.NewGUID()
	p.says(query(id, words, ttl, hops))
	synctest.Wait()
	return id
}

func query(id message.GUID, words string, ttl, hops uint8) message.Message {
	return message.Message{GUID: id, TTL: ttl, Hops: hops, Body: &message.Query{Flags: message.QueryMark, Words: words}}
}

// knows makes the node know what the neighbour can read.
func (p *player) supports(messages ...message.SupportedMessage) {
	list := message.MessagesSupported{Messages: messages}
	p.says(message.Message{TTL: 1, Body: list.Vendor()})
}

// has tells the node a query routing table.
func (p *player) has(names ...string) {
	p.r.t.Helper()
	table := qrp.NewTable(1 << 12)
	for _, name := range names {
		table.Add(name)
	}
	p.says(message.Message{TTL: 1, Body: &message.Reset{Slots: 1 << 12, Infinity: 7}})
	for _, patch := range qrp.Patches(nil, table, true) {
		p.says(message.Message{TTL: 1, Body: (*message.Patch)(&patch)})
	}
	synctest.Wait()
}

// hits answers a query with so many results.
func (p *player) hits(id message.GUID, results int) {
	p.r.t.Helper()
	hit := &message.QueryHit{Addr: p.peer.addr, Servent: message.NewGUID()}
	for i := range results {
		hit.Results = append(hit.Results, message.Result{Index: uint32(i), Name: "found"})
	}
	p.says(message.Message{GUID: id, TTL: 5, Body: hit})
	synctest.Wait()
}

// all returns the messages that have come since any were asked for.
func (p *player) all() []message.Message {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.got
	p.got = nil
	return all
}

// heard returns the messages of a type that have come since it was asked for them last.
func heard[B message.Body](p *player) (bodies []B, messages []message.Message) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = slices.DeleteFunc(p.got, func(m message.Message) bool {
		body, ok := m.Body.(B)
		if ok {
			bodies, messages = append(bodies, body), append(messages, m)
		}
		return ok
	})
	return bodies, messages
}

// told returns the vendor messages of a type that have come since it was asked for them last.
func told[V message.VendorMessage](p *player) (found []V, about []message.GUID) {
	bodies, messages := heard[*message.Vendor](p)
	for i, body := range bodies {
		opened, err := body.Open()
		if v, ok := opened.(V); err == nil && ok {
			found, about = append(found, v), append(about, messages[i].GUID)
		}
	}
	return found, about
}

// queried returns the TTLs of the copies of a query that have come so far.
func (p *player) queried(id message.GUID) (ttls []uint8) {
	_, messages := heard[*message.Query](p)
	for _, m := range messages {
		if m.GUID == id {
			ttls = append(ttls, m.TTL)
		}
	}
	return ttls
}

// parted checks that the node has ended the link, with a BYE of that code.
func (p *player) parted(code uint16) {
	p.r.t.Helper()
	byes, _ := heard[*message.Bye](p)
	if len(byes) != 1 || byes[0].Code != code {
		p.r.t.Errorf("BYEs %+v, want one with %d", byes, code)
	}
	time.Sleep(farewell)
	synctest.Wait()
	if err := p.ended(); p.r.seats.find(p.peer.id) != nil || err == nil {
		p.r.t.Errorf("the link stands, error %v", err)
	}
}

// ended returns why the link ended, nil when it stands.
func (p *player) ended() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// stays checks that the node answers on the link.
func (p *player) stays() {
	p.r.t.Helper()
	id := message.NewGUID()
	p.says(message.Message{GUID: id, TTL: 1, Body: &message.Ping{}})
	_, messages := heard[*message.Pong](p)
	for _, m := range messages {
		if m.GUID == id {
			return
		}
	}
	p.r.t.Errorf("no PONG on a link that should stand: %v", p.ended())
}
