package lab

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"time"
)

// A Plan describes a lab. Every decision is drawn from its seed: two labs of one plan are the same network.
//
// Shares are between 0 and 1, rounded to whole hosts; a host has one behaviour at most.
type Plan struct {
	Ultrapeers int // hosts that are to be ultrapeers, dead ones counted
	Leaves     int // hosts that are to be leaves, dead ones counted
	Degree     int // links to other ultrapeers that an ultrapeer has on average; zero: 8
	Parents    int // ultrapeers that a leaf is linked to; zero: 3
	Files      int // files that a host shares on average; zero: 30

	Dead       float64 // share of all hosts that are gone, and remembered by others
	Slow       float64 // share of all hosts that answer late
	Unaware    float64 // share of all hosts that do not know what a crawler is
	Leaving    float64 // share of all hosts that stop in the middle
	Firewalled float64 // share of the leaves that only dial out
	Full       float64 // share of the ultrapeers that have no slot left

	HopWait time.Duration // of dynamic queries, see [servent.Config]; zero: 40 ms, as hosts on one machine are near each other
	Results int           // that end a dynamic query, see [servent.Config]; zero: all that there are

	Delay      time.Duration // how long a slow host waits before each step; zero: 400 ms
	LeaveAfter int           // connections and datagrams of strangers that a leaving host takes; zero: it waits for [Net.Leave]

	Base netip.Addr // address of the first host, the others follow; the zero Addr: 127.1.0.1
	Port uint16     // of every host; zero: 6346
	Seed uint64

	Log *slog.Logger // of the hosts; nil: discards
}

// A Behaviour is what a host does differently from a good servent, as the truth spells it.
type Behaviour string

// The behaviours. A muted host does not list its links, so the host at the other end of each of them does.
const (
	Normal     Behaviour = "normal"
	Dead       Behaviour = "dead"       // nothing is there; two ultrapeers or more remember the address
	Slow       Behaviour = "slow"       // answers everything, but late
	Unaware    Behaviour = "unaware"    // muted: takes a crawler for a newcomer, knows neither GGEP nor the UDP crawler ping
	Leaving    Behaviour = "leaving"    // muted once it has gone
	Firewalled Behaviour = "firewalled" // muted: connections to it time out, datagrams get no answer
	Full       Behaviour = "full"       // muted: refuses every newcomer with hosts to try, but answers a UDP PING
)

func (b Behaviour) tells() bool { return b == Normal || b == Slow }

const maxHosts = 1 << 20

// withDefaults returns the plan with its zero fields replaced.
func (p Plan) withDefaults() Plan {
	if p.Degree == 0 {
		p.Degree = 8
	}
	if p.Parents == 0 {
		p.Parents = 3
	}
	if p.Files == 0 {
		p.Files = 30
	}
	if p.HopWait == 0 {
		p.HopWait = 40 * time.Millisecond
	}
	if p.Results == 0 {
		p.Results = math.MaxInt32
	}
	if p.Delay == 0 {
		p.Delay = 400 * time.Millisecond
	}
	if !p.Base.IsValid() {
		p.Base = netip.AddrFrom4([4]byte{127, 1, 0, 1})
	}
	if p.Port == 0 {
		p.Port = 6346
	}
	return p
}

// Validate tells why no network can be built from the plan.
func (p Plan) Validate() error {
	p = p.withDefaults()
	switch {
	case p.Ultrapeers < 1 || p.Leaves < 0:
		return fmt.Errorf("plan of %d ultrapeers and %d leaves: a lab has at least one ultrapeer", p.Ultrapeers, p.Leaves)
	case p.Ultrapeers > maxHosts || p.Leaves > maxHosts:
		return fmt.Errorf("plan of %d ultrapeers and %d leaves: a lab has at most %d of each", p.Ultrapeers, p.Leaves, maxHosts)
	case p.Degree < 1 || p.Parents < 1 || p.Files < 1 || p.HopWait < 0 || p.Results < 0 || p.Delay < 0 || p.LeaveAfter < 0:
		return fmt.Errorf("plan with degree %d, parents %d, files %d, hop wait %v, results %d, delay %v, leave after %d: "+
			"none may be negative", p.Degree, p.Parents, p.Files, p.HopWait, p.Results, p.Delay, p.LeaveAfter)
	}
	for _, s := range []struct {
		name  string
		share float64
	}{
		{"dead", p.Dead}, {"slow", p.Slow}, {"unaware", p.Unaware}, {"leaving", p.Leaving},
		{"firewalled", p.Firewalled}, {"full", p.Full},
	} {
		if !(s.share >= 0 && s.share <= 1) {
			return fmt.Errorf("share of %s hosts is %v: it must lie between 0 and 1", s.name, s.share)
		}
	}
	if err := p.validateRange(); err != nil {
		return err
	}
	return p.validateCounts()
}

// validateRange checks that the addresses fit into the loopback network.
func (p Plan) validateRange() error {
	if !p.Base.Is4() || !p.Base.IsLoopback() {
		return fmt.Errorf("first address %v: a lab lives in 127.0.0.0/8", p.Base)
	}
	if last := number(p.Base) + uint32(p.Ultrapeers+p.Leaves) - 1; last >= 127<<24|0xffffff {
		return fmt.Errorf("%d hosts from %v on do not fit into 127.0.0.0/8", p.Ultrapeers+p.Leaves, p.Base)
	}
	return nil
}

// validateCounts checks that those who tell can tell of all the others.
func (p Plan) validateCounts() error {
	ultrapeers, leaves := split(p.Ultrapeers, p.ultrapeerShares()), split(p.Leaves, p.leafShares())
	if ultrapeers == nil || leaves == nil {
		return fmt.Errorf("shares of one role's hosts add up to more than 1")
	}
	tellers, mutedLeaves := 0, 0
	for _, b := range ultrapeers {
		if b.tells() {
			tellers++
		}
	}
	for _, b := range leaves {
		if b != Dead && !b.tells() {
			mutedLeaves++
		}
	}
	dead := count(ultrapeers, Dead) + count(leaves, Dead)
	living := len(ultrapeers) - count(ultrapeers, Dead)
	switch {
	case tellers == 0:
		return fmt.Errorf("none of %d ultrapeers is normal or slow: nobody would list the others", p.Ultrapeers)
	case p.Leaves > count(leaves, Dead) && p.Parents > living:
		return fmt.Errorf("each leaf needs %d ultrapeers, and %d live", p.Parents, living)
	case mutedLeaves > 0 && p.Parents > tellers:
		return fmt.Errorf("each leaf that lists nobody needs %d ultrapeers that are normal or slow, and there are %d",
			p.Parents, tellers)
	case dead > 0 && dead*min(tellers, rememberers) > tellers*maxDeadKnown:
		return fmt.Errorf("%d ultrapeers can remember %d dead hosts, %d times each, and not %d",
			tellers, tellers*maxDeadKnown/min(tellers, rememberers), min(tellers, rememberers), dead)
	}
	return nil
}

type portion struct {
	behaviour Behaviour
	share     float64
}

func (p Plan) ultrapeerShares() []portion {
	return []portion{{Dead, p.Dead}, {Slow, p.Slow}, {Unaware, p.Unaware}, {Leaving, p.Leaving}, {Full, p.Full}}
}

func (p Plan) leafShares() []portion {
	return []portion{{Dead, p.Dead}, {Slow, p.Slow}, {Unaware, p.Unaware}, {Leaving, p.Leaving}, {Firewalled, p.Firewalled}}
}

// split returns the behaviours of n hosts in order of the portions, or nil when those are more than the whole. The
// bounds between portions are rounded, so many small shares cannot add up to more hosts than one large.
func split(n int, portions []portion) []Behaviour {
	all := make([]Behaviour, 0, n)
	bound := 0.0
	for _, part := range portions {
		bound += part.share
		if bound > 1+1e-9 {
			return nil
		}
		for len(all) < min(n, int(math.Round(bound*float64(n)))) {
			all = append(all, part.behaviour)
		}
	}
	for len(all) < n {
		all = append(all, Normal)
	}
	return all
}

func count(all []Behaviour, b Behaviour) int {
	n := 0
	for _, other := range all {
		if other == b {
			n++
		}
	}
	return n
}

func number(a netip.Addr) uint32 {
	four := a.As4()
	return binary.BigEndian.Uint32(four[:])
}

// address returns the address of the i-th host.
func (p Plan) address(i int) netip.AddrPort {
	var four [4]byte
	binary.BigEndian.PutUint32(four[:], number(p.Base)+uint32(i))
	return netip.AddrPortFrom(netip.AddrFrom4(four), p.Port)
}

// holds tells whether the address is one of the plan's hosts.
func (p Plan) holds(a netip.AddrPort) bool {
	if !a.Addr().Is4() {
		return false
	}
	first, at := number(p.Base), number(a.Addr())
	return at >= first && at-first < uint32(p.Ultrapeers+p.Leaves)
}

// sockets is how many sockets a host holds, beside its links.
func (b Behaviour) sockets() int {
	switch b {
	case Dead:
		return 0
	case Firewalled:
		return 3
	}
	return 2
}
