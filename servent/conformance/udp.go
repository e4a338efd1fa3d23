package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

const (
	udpSource   = "What a UDP port must accept in Gnutella over UDP"
	guessSource = "GUESS in Gnutella over UDP"
)

var udpTests = []Test{
	{Name: "udp/ping", About: "answers a UDP PING by a PONG with its GUID",
		Source: udpSource, Run: udpPing},
	{Name: "udp/scp", About: "names hosts of its cache to who asks by SCP",
		Source: "SCP in GGEP", Optional: true, Run: udpSCP},
	{Name: "udp/ip", About: "tells us our address and port when we ask by IP",
		Source: "IP in GGEP", Run: udpIP},
	{Name: "udp/crawl", About: "answers the crawler ping with no more than was asked",
		Source: "UDP crawler ping", Run: udpCrawl},
	{Name: "udp/garbage", About: "passes over datagrams that are no message",
		Source: udpSource, Run: udpGarbage},
	{Name: "udp/deflate", About: "answers who can inflate by a PONG, plain or deflated",
		Source: "Deflated UDP in Gnutella over UDP", Optional: true, Run: udpDeflate},
	{Name: "udp/query-key", About: "gives out a query key",
		Source: guessSource, Optional: true, Run: queryKey},
	{Name: "udp/guess", About: "answers a query by UDP to who has a key",
		Source: guessSource, Optional: true, Run: guess},
}

// A pong is the answer to the UDP PING of a run: servents answer one a minute.
type pong struct {
	caught
	trouble error // why there is none
	trace   trace
}

// ponged returns the PONG that answers a UDP PING with SCP and IP.
func (t *Target) ponged(ctx context.Context) (*message.Pong, error) {
	if t.pong == nil {
		t.pong = new(pong)
		t.pong.caught, t.pong.trouble = t.askPong(ctx, ggep.SCP(0), ggep.IP(netip.AddrPort{}))
		t.pong.trace = t.trace
	}
	t.trace = t.pong.trace
	if t.pong.trouble != nil {
		return nil, t.pong.trouble
	}
	return t.pong.Body.(*message.Pong), nil
}

func (t *Target) askPong(ctx context.Context, blocks ...ggep.Block) (caught, error) {
	tail, err := ggep.Append(nil, blocks...)
	if err != nil {
		return caught{}, err
	}
	ping := message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{Tail: tail}}
	return t.ask(ctx, "PONG", ping, func(m message.Message) bool { return isPong(m, ping.GUID) })
}

func udpPing(ctx context.Context, t *Target) error {
	if _, err := t.ponged(ctx); err != nil {
		return err
	}
	return t.ownPong(t.pong.Message)
}

func udpSCP(ctx context.Context, t *Target) error {
	pong, err := t.ponged(ctx)
	if err != nil {
		return err
	}
	if len(pong.GGEP().IPP()) == 0 {
		return errors.New("the PONG has no IPP")
	}
	return nil
}

// udpDeflate sends a PING with the mark of who can inflate the answer.
func udpDeflate(ctx context.Context, t *Target) error {
	ping := newPing(1 | message.TTLInflates)
	m, err := t.ask(ctx, "PONG", ping, func(m message.Message) bool { return m.Body.Type() == message.TypePong })
	if err != nil {
		return err
	}
	_, err = message.Inflate(m.Message)
	return err
}

// udpIP compares the address in the PONG with the one that the target sees on a connection, and the port with that of our
// socket, unless there is a translator of addresses between us.
func udpIP(ctx context.Context, t *Target) error {
	e, err := t.enter(ctx)
	if err != nil {
		return err
	}
	if !e.answer.Has("GGEP") {
		return unsupported("the answer to our hello has no GGEP")
	}
	pong, err := t.ponged(ctx)
	if err != nil {
		return err
	}
	told, ok := pong.GGEP().IP()
	if !ok {
		return errors.New("the PONG has no IP")
	}
	port, err := t.port(ctx)
	if err != nil {
		return err
	}
	if ours := netip.AddrPortFrom(e.local, port); told != ours && !e.local.IsPrivate() {
		return fmt.Errorf("IP tells %v, but we come from %v", told, ours)
	}
	return nil
}

// What the crawler ping asks for.
const (
	askedUltrapeers = 2
	askedLeaves     = 1
	askedFeatures   = message.FeatureMinutes | message.FeatureAgents
)

func udpCrawl(ctx context.Context, t *Target) error {
	ping := message.Message{GUID: message.NewGUID(), TTL: 1, Body: (&message.CrawlerPing{
		Ultrapeers: askedUltrapeers, Leaves: askedLeaves, Features: askedFeatures,
	}).Vendor()}
	m, err := t.ask(ctx, "crawler pong", ping, func(m message.Message) bool {
		v, ok := m.Body.(*message.Vendor)
		return ok && v.Is(message.LIME, 6)
	})
	if err != nil {
		return t.perhapsAlone(ctx, err)
	}
	pong, err := message.ParseCrawlerPong(m.Body.(*message.Vendor))
	if err != nil {
		return err
	}
	switch {
	case len(pong.Ultrapeers) > askedUltrapeers || len(pong.Leaves) > askedLeaves:
		return fmt.Errorf("%d ultrapeers and %d leaves, more than asked", len(pong.Ultrapeers), len(pong.Leaves))
	case pong.Features&^askedFeatures != 0:
		return fmt.Errorf("features %#x, more than asked", pong.Features)
	case pong.Features&message.FeatureAgents != 0 && len(pong.Tail) > 0:
		if _, own, err := pong.Agents(); err != nil || own == "" {
			return cmp.Or(err, errors.New("the agents lack its own"))
		}
	case pong.Features&message.FeatureAgents == 0 && len(pong.Tail) > 0:
		return fmt.Errorf("%d bytes after the hosts", len(pong.Tail))
	}
	return nil
}

// perhapsAlone excuses silence after a crawler ping: gtk-gnutella does not answer when it has nobody to list.
func (t *Target) perhapsAlone(ctx context.Context, silence error) error {
	kept := t.trace
	defer func() { t.trace = kept }()
	a, err := t.crawled(ctx)
	if err == nil && a.theirs.Has("Peers") && len(a.theirs.Addrs("Peers", "Leaves")) == 0 {
		return skip("it lists no neighbours")
	}
	return silence
}

// udpGarbage sends what no servent may answer, and a PING that shows that the target goes on.
func udpGarbage(ctx context.Context, t *Target) error {
	garbage, ids, err := brokenDatagrams()
	if err != nil {
		return err
	}
	if err := t.pings.wait(ctx); err != nil {
		return err
	}
	for _, b := range garbage {
		if err := t.throw(ctx, b); err != nil {
			return err
		}
	}
	ping := newPing(1)
	if err := t.throwMessage(ctx, ping); err != nil {
		return err
	}
	answer, err := t.catch(ctx, "PONG afterwards", func(m message.Message) bool {
		return isPong(m, ping.GUID) || slices.Contains(ids, m.GUID)
	})
	if err == nil && answer.GUID != ping.GUID {
		err = fmt.Errorf("it answers garbage by a %s", answer.Body.Type())
	}
	return err
}

// brokenDatagrams are a PING that is shorter than it says, one that is longer, a message of an unknown type, and half a
// header.
func brokenDatagrams() (datagrams [][]byte, ids []message.GUID, err error) {
	for _, kind := range []message.Type{message.TypePing, message.TypePing, unknownType, message.TypePing} {
		id := message.NewGUID()
		body := &message.Unknown{Kind: kind, Payload: []byte("\xc3???")}
		b, err := message.Append(nil, message.Message{GUID: id, TTL: 1, Body: body})
		if err != nil {
			return nil, nil, err
		}
		datagrams, ids = append(datagrams, b), append(ids, id)
	}
	datagrams[0] = datagrams[0][:message.HeaderLen+2]
	datagrams[1] = append(datagrams[1], '?')
	datagrams[3] = datagrams[3][:message.HeaderLen/2]
	return datagrams, ids, nil
}
