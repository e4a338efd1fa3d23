package transfer

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/urn"
)

// Times of the queue.
const (
	retryEach = 30 * time.Second // before the next try, for each place in the queue
	retryMost = 10 * time.Minute
	retrySlop = 5 * time.Second // too early by no more is not too early
	queueLife = time.Minute     // how long a place is kept for who does not come back in time

	queuePerHost = 4 // places
)

// slots are the uploads that may go on at once, and the queue of who waits for one ("Queueing" in "Transfer between servents").
// A free slot belongs to the first in the queue who may have it, who gets it when he asks again. A connection keeps its slot
// from one request to the next, but for so long only, and not against another connection of the same host.
type slots struct {
	perHost int
	most    int // places in the queue

	mu     sync.Mutex
	free   int
	busy   map[netip.Addr]int  // slots that a host has
	parked map[*slot]time.Time // slots of connections without a request, and since when
	queue  []*place
}

// A slot is one that a connection has, or had.
type slot struct {
	host netip.Addr
	lost bool
}

// A wish is an upload that somebody asks for.
type wish struct {
	host netip.Addr
	file urn.SHA1
	id   string // of the place that it had in the queue; empty: not told
}

// A place is a wish that waits.
type place struct {
	wish
	retry time.Time // not to be asked before
}

// A position is what somebody who waits is told.
type position struct {
	id     string
	at     int // from 1; 0: none, for the queue or the host's part of it is full
	length int
	retry  time.Duration
}

func newSlots(uploads, perHost, queue int) *slots {
	return &slots{
		perHost: perHost, most: queue, free: uploads, busy: make(map[netip.Addr]int), parked: make(map[*slot]time.Time),
	}
}

// take gives a slot, or nil and the place in the queue. With a slot, id is that of the place that there was, if any. Who comes
// back too early loses his place to those behind him.
func (s *slots) take(w wish) (granted *slot, p position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.reclaim(now)
	if mine := s.inherit(w.host); mine != nil {
		return mine, position{}
	}
	s.queue = slices.DeleteFunc(s.queue, func(p *place) bool { return now.After(p.retry.Add(queueLife)) })
	at := slices.IndexFunc(s.queue, func(p *place) bool { return p.id == w.id })
	if at < 0 { // no id, or one of long ago
		at = slices.IndexFunc(s.queue, func(p *place) bool { return p.host == w.host && p.file == w.file })
	}
	if s.busy[w.host] < s.perHost && s.free > s.ahead(at) {
		if at >= 0 {
			p.id = s.queue[at].id
			s.queue = slices.Delete(s.queue, at, at+1)
		}
		return s.give(w.host), p
	}
	if at >= 0 && now.Before(s.queue[at].retry.Add(-retrySlop)) {
		early := s.queue[at]
		s.queue = append(slices.Delete(s.queue, at, at+1), early)
		at = len(s.queue) - 1
	}
	if at < 0 {
		if len(s.queue) >= s.most || s.waiting(w.host) >= queuePerHost {
			return nil, position{retry: retryMost}
		}
		var id [16]byte
		_, _ = rand.Read(id[:]) // never fails: see crypto/rand
		w.id = hex.EncodeToString(id[:])
		s.queue = append(s.queue, &place{wish: w})
		at = len(s.queue) - 1
	}
	p = position{id: s.queue[at].id, at: at + 1, length: len(s.queue), retry: min(retryMost, time.Duration(at+1)*retryEach)}
	s.queue[at].retry = now.Add(p.retry)
	return nil, p
}

// reclaim takes back the slots that have been parked for too long.
func (s *slots) reclaim(now time.Time) {
	for parked, since := range s.parked {
		if now.Sub(since) > slotTime {
			s.giveBack(parked)
		}
	}
}

// inherit gives a host that has all it may have the slot that one of its connections has parked.
func (s *slots) inherit(host netip.Addr) *slot {
	if s.busy[host] < s.perHost {
		return nil
	}
	for parked := range s.parked {
		if parked.host == host {
			s.giveBack(parked)
			return s.give(host)
		}
	}
	return nil
}

func (s *slots) give(host netip.Addr) *slot {
	s.free--
	s.busy[host]++
	return &slot{host: host}
}

// giveBack makes a slot free. The caller holds the lock.
func (s *slots) giveBack(given *slot) {
	if given.lost {
		return
	}
	given.lost = true
	delete(s.parked, given)
	s.free++
	if s.busy[given.host]--; s.busy[given.host] == 0 {
		delete(s.busy, given.host)
	}
}

// ahead counts those in the queue before a place, or all when there is none, who may have a slot.
func (s *slots) ahead(at int) int {
	queue := s.queue
	if at >= 0 {
		queue = queue[:at]
	}
	n := 0
	for _, p := range queue {
		if s.busy[p.host] < s.perHost {
			n++
		}
	}
	return n
}

// waiting counts the places of a host.
func (s *slots) waiting(host netip.Addr) (n int) {
	for _, p := range s.queue {
		if p.host == host {
			n++
		}
	}
	return n
}

// park keeps a slot for the next request of its connection.
func (s *slots) park(given *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parked[given] = time.Now()
}

// resume takes a slot up again, and tells whether it is still there.
func (s *slots) resume(given *slot) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.parked, given)
	return !given.lost
}

// leave gives a slot back.
func (s *slots) leave(given *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveBack(given)
}

// left is how many slots are to be had.
func (s *slots) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free + len(s.parked)
}

// life is how long a position is kept for who does not come back.
func (p position) life() time.Duration { return p.retry + queueLife }

// fields tells a position to a client: by X-Queued who knows PARQ, by X-Queue who knows the older queue, and by Retry-After
// everybody.
func (p position) fields(client http.Header, uploads int) handshake.Fields {
	seconds := strconv.Itoa(int(p.retry / time.Second))
	f := handshake.Fields{{Name: "Retry-After", Value: seconds}}
	version := client.Get("X-Queue")
	switch {
	case p.at == 0:
	case client.Get("X-Queued") != "" || strings.HasPrefix(version, "1."):
		f = append(f, handshake.Field{Name: "X-Queued", Value: fmt.Sprintf("ID=%s; position=%d; length=%d; lifetime=%d",
			p.id, p.at, p.length, int(p.life()/time.Second))})
	case version != "":
		f = append(f, handshake.Field{Name: "X-Queue", Value: fmt.Sprintf("position=%d, length=%d, limit=%d, pollMin=%s, pollMax=%d",
			p.at, p.length, uploads, seconds, int(p.life()/time.Second))})
	}
	return f
}

// parameters reads key=value pairs that semicolons or commas separate. Keys come in lower case.
func parameters(value string) map[string]string {
	found := make(map[string]string)
	for item := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ';' || r == ',' }) {
		key, value, _ := strings.Cut(item, "=")
		found[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
	}
	return found
}
