package gnutella

import (
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// An underWay is a visit that a survey makes.
type underWay struct {
	probe.Endpoint
	index    int // in survey.visits
	seen     visit
	step     int // of Prober.steps: the next one
	state    state
	until    time.Time // how long it waits at most
	place    int       // in survey.schedule, from 1; 0: it does not wait
	attempts int       // at the conversation at hand
	since    time.Time

	record *record // of the conversation at hand
	asks   *question
	guid   message.GUID
	call   uint32 // number of the connection
	answer handshake.Incoming
	buf    []byte // what came of the answer, when not all of it came at once
}

// A state is what a visit waits for.
type state uint8

const (
	itsTurn   state = iota // to begin the conversation at hand
	anAnswer               // to a datagram
	aWay                   // a connection
	aReply                 // to a hello
	heldAlone              // the end of a conversation that is held by another goroutine
)

// errReplyTimeout: a hello was not answered in time.
var errReplyTimeout = &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}

// begin begins a visit. The wire knows hosts of IPv4 alone.
func (s *survey) begin(e probe.Endpoint) {
	v := &underWay{Endpoint: e, index: len(s.visits)}
	s.visits = append(s.visits, v)
	switch {
	case s.stopped:
		s.end(v)
	case !e.Addr.Addr().Unmap().Is4():
		v.step = len(s.steps)
		s.hold(v, func() []probe.Observation { return s.Probe(s.ctx, e) })
	default:
		s.advance(v)
	}
}

// advance begins the next conversation of a visit, or ends it.
func (s *survey) advance(v *underWay) {
	if s.stopped {
		s.end(v)
		return
	}
	for ; v.step < len(s.steps); v.step++ {
		next := &s.steps[v.step]
		if !next.when(v.seen) {
			continue
		}
		v.step++
		v.state, v.record, v.attempts = itsTurn, nil, 0
		at := s.now
		if s.ledger != nil {
			at = s.ledger.reserve(asking{v.Addr, next.asks}, next.again, s.now)
		}
		if jitter := s.wire.Jitter(); jitter > 0 {
			at = at.Add(rand.N(jitter))
		}
		if at.After(s.now) {
			s.schedule.add(v, at)
			return
		}
		s.converse(v)
		return
	}
	s.end(v)
}

// converse begins the conversation at hand, when its turn has come.
func (s *survey) converse(v *underWay) {
	switch way := s.steps[v.step-1].way.(type) {
	case *question:
		if v.record == nil {
			v.asks, v.record = way, way.record(v.Endpoint)
		}
		s.ask(v)
	case crawling:
		if v.record == nil {
			v.record = newRecord(v.Endpoint, probe.TCPCrawl)
		}
		s.connect(v)
	default:
		about := asking{v.Addr, s.steps[v.step-1].asks}
		s.hold(v, func() []probe.Observation {
			o := way.converse(s.Prober, s.ctx, v.Endpoint)
			s.ledger.held(about, time.Now())
			return []probe.Observation{o}
		})
	}
}

// conversed ends the conversation at hand, and goes on with the visit.
func (s *survey) conversed(v *underWay, o probe.Observation) {
	s.schedule.drop(v)
	s.ledger.held(asking{v.Addr, s.steps[v.step-1].asks}, time.Now())
	v.seen = append(v.seen, o)
	s.advance(v)
}

// maxAttempts is how often a conversation is begun that fails by our own side.
const maxAttempts = 4

// failed ends the conversation at hand by an error, or begins it once more when it is this side that failed.
func (s *survey) failed(v *underWay, err error) {
	o := v.record.fail(s.ctx, err)
	if v.attempts++; o.Outcome == probe.LocalLimit && v.attempts < maxAttempts && !os.IsTimeout(err) {
		v.state = itsTurn
		s.schedule.add(v, s.now.Add(time.Second<<(v.attempts-1)))
		return
	}
	s.conversed(v, o)
}

// end ends a visit: in good order, or cut off when not all of its conversations were held.
func (s *survey) end(v *underWay) {
	s.schedule.drop(v)
	last := len(s.visits) - 1
	s.visits[v.index] = s.visits[last]
	s.visits[v.index].index = v.index
	s.visits[last] = nil
	s.visits = s.visits[:last]
	ended := probe.Visit{Endpoint: v.Endpoint}
	if !s.stopped || v.step == len(s.steps) && v.state == heldAlone {
		ended.Observations = v.seen
	}
	s.ended = append(s.ended, ended)
}

// waitedEnough ends what a visit has waited for in vain, or begins what its turn has come for.
func (s *survey) waitedEnough(v *underWay) {
	switch v.state {
	case itsTurn:
		s.converse(v)
	case anAnswer:
		delete(s.asked, v.guid)
		s.failed(v, errSilent)
	case aWay:
		s.calls[v.call] = nil
		v.state = itsTurn
		s.failed(v, s.wire.GiveUp(v.call))
	case aReply:
		s.hangUp(v)
		s.failed(v, errReplyTimeout)
	}
}

// maxRecent bounds the questions that are on their way, or whose answers are. The sockets at both ends have room for some
// hundreds of datagrams, and what finds no room is lost.
const maxRecent = 256

// A sent question.
type sent struct {
	guid message.GUID
	at   time.Time
}

// ask sends a question, or lets it wait for those before it.
func (s *survey) ask(v *underWay) {
	if len(s.waiting) > 0 || !s.roomToAsk() {
		s.waiting = append(s.waiting, v)
		return
	}
	s.send(v)
}

// askWaiting sends the questions that there is room for now.
func (s *survey) askWaiting() {
	n := 0
	for ; n < len(s.waiting) && s.roomToAsk(); n++ {
		s.send(s.waiting[n])
	}
	s.waiting = slices.Delete(s.waiting, 0, n)
}

// roomToAsk forgets those recent questions that were answered, or that are older than answers usually are.
func (s *survey) roomToAsk() bool {
	if len(s.recent) < maxRecent {
		return true
	}
	old := s.now.Add(-min(max(2*s.answers.typical, 5*time.Millisecond), 250*time.Millisecond))
	if s.answers.typical == 0 {
		old = s.now.Add(-250 * time.Millisecond)
	}
	s.recent = slices.DeleteFunc(s.recent, func(q sent) bool { return s.asked[q.guid] == nil || q.at.Before(old) })
	return len(s.recent) < maxRecent
}

func (s *survey) send(v *underWay) {
	v.guid = message.NewGUID()
	datagram, err := v.asks.datagram(s.scratch[:0], v.guid)
	if err != nil {
		s.failed(v, err)
		return
	}
	s.scratch = datagram
	wait, err := s.wire.Send(v.Addr, datagram)
	switch {
	case err != nil:
		s.failed(v, err)
	case wait > 0:
		s.schedule.add(v, s.now.Add(wait))
	default:
		v.state, v.since = anAnswer, time.Now()
		v.record.Started = v.since
		s.asked[v.guid] = v
		s.schedule.add(v, v.since.Add(s.answers.wait()))
		s.recent = append(s.recent, sent{v.guid, v.since})
	}
}

// datagram deals a datagram to the visit that asked for it. A host may answer from another address than was asked, so the GUID
// tells.
func (s *survey) datagram(from netip.AddrPort, b []byte, unsent error) {
	if len(b) < message.HeaderLen {
		return
	}
	guid := message.GUID(b[:16])
	v := s.asked[guid]
	if v == nil {
		return
	}
	delete(s.asked, guid)
	if unsent != nil {
		s.failed(v, unsent)
		return
	}
	s.answers.saw(time.Since(v.since))
	m, err := message.ParseDatagram(b)
	if err != nil {
		s.failed(v, err)
		return
	}
	s.conversed(v, v.asks.read(v.record, reply{m.Body, from}))
}

// connect begins a crawl handshake.
func (s *survey) connect(v *underWay) {
	number, wait, err := s.wire.Connect(v.Addr, handshake.AppendHello(nil, s.crawlOffer(v.Addr.Addr())))
	switch {
	case err != nil:
		s.failed(v, err)
	case wait > 0:
		s.schedule.add(v, s.now.Add(wait))
	default:
		for int(number) >= len(s.calls) {
			s.calls = append(s.calls, nil)
		}
		s.calls[number] = v
		v.state, v.call, v.since = aWay, number, time.Now()
		v.record.Started = v.since
		s.schedule.add(v, v.since.Add(s.connects.wait()))
	}
}

// stream takes what came on a connection.
func (s *survey) stream(number uint32, b []byte, err error) {
	v := s.calls[number]
	switch {
	case v == nil:
	case err == io.EOF:
		s.hangUp(v)
		s.failed(v, io.ErrUnexpectedEOF)
	case err != nil:
		s.hangUp(v)
		s.failed(v, err)
	case v.state == aWay:
		s.connects.saw(time.Since(v.since))
		v.state, v.since = aReply, time.Now()
		s.schedule.add(v, v.since.Add(s.replies.wait()))
	default:
		s.replied(v, b)
	}
}

// replied reads the answer to a hello as far as it came.
func (s *survey) replied(v *underWay, b []byte) {
	if len(v.buf) > 0 {
		v.buf = append(v.buf, b...)
		b = v.buf
	}
	done, err := v.answer.Read(b)
	if err == nil && !done {
		if len(v.buf) == 0 {
			v.buf = append(v.buf, b...)
		}
		return
	}
	if done {
		s.replies.saw(time.Since(v.since))
		if v.answer.Code == handshake.OK {
			s.wire.Write(v.call, ack)
		}
	}
	s.hangUp(v)
	if err != nil {
		s.failed(v, err)
		return
	}
	s.conversed(v, v.record.crawled(v.answer.Code, v.answer.Reason, v.answer.Fields))
}

var ack = handshake.AppendAck(nil)

// hangUp ends the connection of a visit, if there is one.
func (s *survey) hangUp(v *underWay) {
	if v.state != aWay && v.state != aReply {
		return
	}
	s.wire.Hang(v.call)
	s.calls[v.call] = nil
	v.state = itsTurn
	v.buf = nil
}
