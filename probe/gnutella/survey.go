package gnutella

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/message"
)

// A Wire carries conversations with many hosts of IPv4 at once, in one goroutine. What its methods promise is told by the Wire of
// package crawler/pace, which this package does not import.
type Wire interface {
	Send(to netip.AddrPort, b []byte) (wait time.Duration, err error)
	Connect(to netip.AddrPort, hello []byte) (number uint32, wait time.Duration, err error)
	Write(number uint32, b []byte)
	Hang(number uint32)
	GiveUp(number uint32) error
	Jitter() time.Duration
	Poll(until time.Time, datagram func(from netip.AddrPort, b []byte, unsent error),
		stream func(number uint32, b []byte, err error)) error
	Wake()
	Close() error
}

// Survey visits hosts as [probe.Prober] has it: over a wire, where there is one, else each in a goroutine of its own.
func (p *Prober) Survey(ctx context.Context, hosts <-chan []probe.Endpoint, visits chan<- []probe.Visit) {
	if p.cfg.Wire == nil {
		p.surveyAlone(ctx, hosts, visits)
		return
	}
	wire, err := p.cfg.Wire()
	if err != nil {
		p.cfg.Log.Info("hosts are visited one by one", "err", err)
		p.surveyAlone(ctx, hosts, visits)
		return
	}
	defer wire.Close()
	s := newSurvey(ctx, p, wire)
	var others sync.WaitGroup
	defer others.Wait()
	defer context.AfterFunc(ctx, wire.Wake)()
	others.Go(func() { s.receive(hosts) })
	others.Go(func() { s.deliver(visits) })
	s.run()
}

func (p *Prober) surveyAlone(ctx context.Context, hosts <-chan []probe.Endpoint, visits chan<- []probe.Visit) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	for some := range hosts {
		for _, e := range some {
			underWay.Go(func() { visits <- []probe.Visit{{Endpoint: e, Observations: p.Probe(ctx, e)}} })
		}
	}
}

// A survey is the visits over one wire. The goroutine of run holds all conversations of mass, without a lock, and wakes up once
// for everything that came meanwhile. Two others bring hosts and take visits away, so that it waits for nothing but the wire;
// conversations that are held alone have a goroutine each.
type survey struct {
	*Prober
	ctx  context.Context
	wire Wire

	now      time.Time // when the wire was polled last
	heard    time.Time // until then all that came was dealt out
	visits   []*underWay
	asked    map[message.GUID]*underWay // questions without an answer
	calls    []*underWay                // by the number of the connection; nil: hung up
	schedule schedule
	recent   []sent      // questions that may be on the way still, oldest first
	waiting  []*underWay // to ask, when there are fewer of these
	scratch  []byte
	ended    []probe.Visit
	stopped  bool // what is under way was cut off

	answers, connects, replies delays // to datagrams, to attempts to connect, to hellos

	mu     sync.Mutex // guards what other goroutines bring and take
	hosts  []probe.Endpoint
	closed bool // no more hosts will come
	held   []held
	outbox []probe.Visit
	full   *sync.Cond // outbox holds something, or over
	over   bool
}

// A held conversation has ended, or a whole visit.
type held struct {
	visit        *underWay
	observations []probe.Observation
}

func newSurvey(ctx context.Context, p *Prober, w Wire) *survey {
	s := &survey{
		Prober: p, ctx: ctx, wire: w, now: time.Now(), heard: time.Now(), asked: map[message.GUID]*underWay{},
		answers: delays{most: p.cfg.UDP}, connects: delays{most: p.cfg.Connect}, replies: delays{most: p.cfg.Handshake},
	}
	s.full = sync.NewCond(&s.mu)
	return s
}

// receive brings hosts until there are no more.
func (s *survey) receive(hosts <-chan []probe.Endpoint) {
	for some := range hosts {
		s.mu.Lock()
		s.hosts = append(s.hosts, some...)
		s.mu.Unlock()
		s.wire.Wake()
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wire.Wake()
}

// deliver takes visits away until the survey is over.
func (s *survey) deliver(visits chan<- []probe.Visit) {
	for {
		s.mu.Lock()
		for len(s.outbox) == 0 && !s.over {
			s.full.Wait()
		}
		some := s.outbox
		s.outbox = nil
		s.mu.Unlock()
		if len(some) == 0 {
			return
		}
		visits <- some
	}
}

// run visits until no more hosts come and no visit is under way.
func (s *survey) run() {
	defer func() {
		s.mu.Lock()
		s.over = true
		s.mu.Unlock()
		s.full.Signal()
	}()
	for s.exchange() {
		if s.ctx.Err() != nil {
			s.cut()
		}
		// What came while this process was kept from running waits to be read: nobody has waited in vain before it was.
		for v := s.schedule.due(s.heard); v != nil; v = s.schedule.due(s.heard) {
			s.waitedEnough(v)
		}
		s.askWaiting()
		until, ok := s.schedule.next()
		if !ok {
			until = s.now.Add(time.Hour)
		}
		if len(s.waiting) > 0 || len(s.ended) > 0 {
			until = s.now.Add(time.Millisecond)
		}
		s.heard = time.Now()
		if err := s.wire.Poll(until, s.datagram, s.stream); err != nil && !s.stopped {
			s.cfg.Log.Error("visits are cut off", "err", err)
			s.cut()
		}
		s.now = time.Now()
	}
}

// exchange hands ended visits out, takes in what was brought, and tells whether there is something to do or to wait for.
func (s *survey) exchange() bool {
	s.mu.Lock()
	hosts, done := s.hosts, s.held
	s.hosts, s.held = nil, nil
	closed := s.closed
	if len(s.ended) > 0 {
		s.outbox = append(s.outbox, s.ended...)
		clear(s.ended)
		s.ended = s.ended[:0]
		s.full.Signal()
	}
	s.mu.Unlock()
	for _, e := range hosts {
		s.begin(e)
	}
	for _, h := range done {
		h.visit.seen = append(h.visit.seen, h.observations...)
		s.advance(h.visit)
	}
	return !closed || len(s.visits) > 0 || len(s.ended) > 0
}

// hold holds a conversation, or a whole visit, in a goroutine of its own.
func (s *survey) hold(v *underWay, converse func() []probe.Observation) {
	v.state = heldAlone
	go func() {
		h := held{v, converse()}
		s.mu.Lock()
		s.held = append(s.held, h)
		s.mu.Unlock()
		s.wire.Wake()
	}()
}

// cut cuts off what is under way. Conversations that are held alone end by themselves.
func (s *survey) cut() {
	if s.stopped {
		return
	}
	s.stopped = true
	for i := len(s.visits) - 1; i >= 0; i-- {
		v := s.visits[i]
		if v.state == heldAlone {
			continue
		}
		s.hangUp(v)
		s.end(v)
	}
	clear(s.asked)
	s.waiting, s.recent = nil, nil
}
