package lab

import (
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"slices"
)

// A CrowdPlan describes a crowd. Every decision is drawn from its seed: two crowds of one plan are the same.
//
// Shares are between 0 and 1, rounded to whole hosts; a host has one behaviour at most.
type CrowdPlan struct {
	Hosts      int // all of them
	Ultrapeers int // how many of these are ultrapeers; zero: so many that each has 30 leaves on average
	Degree     int // links to other ultrapeers that an ultrapeer has on average; zero: 30
	Parents    int // ultrapeers that a leaf is linked to; zero: 3

	Dead     float64 // share of all hosts that have gone just now
	Silent   float64 // share of all hosts that let nobody in
	Trimming float64 // share of the ultrapeers that have more leaves than an answer has room for
	Lying    float64 // share of the ultrapeers that list hosts which they invent

	Base netip.Addr // address of the first host, the others follow; the zero Addr: 127.1.0.1
	Port uint16     // of every host that answers; the dead are at the next one, the silent at the one after; zero: 6346
	Seed uint64

	Log *slog.Logger // nil: discards
}

// Behaviours of a crowd, beside Normal and Dead. Each of these hosts is muted: of its true links the other end tells.
const (
	Silent   Behaviour = "silent"   // connections to it time out, datagrams get no answer
	Trimming Behaviour = "trimming" // lists the first of its links only, as many as its answers hold
	Lying    Behaviour = "lying"    // lists none of its links, but addresses where nobody is
)

const (
	maxCrowd      = 5_000_000
	leavesOfEach  = 30
	trimmedLeaves = 500 // which no answer holds: one by TCP has room for some 400 addresses, one by UDP for 255
	liesOfEach    = 60
	linksOfEach   = 30
)

// withDefaults returns the plan with its zero fields replaced.
func (p CrowdPlan) withDefaults() CrowdPlan {
	if p.Degree == 0 {
		p.Degree = linksOfEach
	}
	if p.Parents == 0 {
		p.Parents = 3
	}
	if p.Ultrapeers == 0 { // each leaf takes Parents of the places that ultrapeers have for leaves
		share := float64(p.Parents) / float64(leavesOfEach+p.Parents)
		p.Ultrapeers = min(p.Hosts, max(p.Parents, int(math.Round(share*float64(p.Hosts)))))
	}
	n := p.network().withDefaults()
	p.Base, p.Port = n.Base, n.Port
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	return p
}

// network is the plan of the links.
func (p CrowdPlan) network() Plan {
	return Plan{
		Ultrapeers: p.Ultrapeers, Leaves: p.Hosts - p.Ultrapeers, Degree: p.Degree, Parents: p.Parents,
		Base: p.Base, Port: p.Port, Seed: p.Seed,
	}
}

// Validate tells why no crowd can be built from the plan.
func (p CrowdPlan) Validate() error {
	p = p.withDefaults()
	switch {
	case p.Hosts < 1 || p.Hosts > maxCrowd:
		return fmt.Errorf("plan of %d hosts: a crowd has 1 to %d", p.Hosts, maxCrowd)
	case p.Ultrapeers < 1 || p.Ultrapeers > p.Hosts:
		return fmt.Errorf("plan of %d ultrapeers among %d hosts", p.Ultrapeers, p.Hosts)
	case p.Degree < 1 || p.Parents < 1:
		return fmt.Errorf("plan with degree %d and parents %d: both are at least 1", p.Degree, p.Parents)
	case p.Port > math.MaxUint16-2:
		return fmt.Errorf("port %d: the two after it are needed too", p.Port)
	}
	for _, part := range slices.Concat(p.ultrapeerShares(), p.leafShares()) {
		if !(part.share >= 0 && part.share <= 1) {
			return fmt.Errorf("share of %s hosts is %v: it must lie between 0 and 1", part.behaviour, part.share)
		}
	}
	if err := p.network().validateRange(); err != nil {
		return err
	}
	return p.validateCounts()
}

// validateCounts checks that those who tell can tell of all the others.
func (p CrowdPlan) validateCounts() error {
	ultrapeers, leaves := split(p.Ultrapeers, p.ultrapeerShares()), split(p.Hosts-p.Ultrapeers, p.leafShares())
	if ultrapeers == nil || leaves == nil {
		return fmt.Errorf("shares of one role's hosts add up to more than 1")
	}
	tellers := count(ultrapeers, Normal)
	switch {
	case tellers == 0:
		return fmt.Errorf("none of %d ultrapeers is normal: nobody would list the others", p.Ultrapeers)
	case len(leaves) > 0 && p.Parents > tellers:
		return fmt.Errorf("each leaf needs %d ultrapeers that are normal, and there are %d", p.Parents, tellers)
	case count(ultrapeers, Trimming) > 0 && count(leaves, Normal) < trimmedLeaves:
		return fmt.Errorf("a host that trims its lists needs %d leaves that are normal, and there are %d",
			trimmedLeaves, count(leaves, Normal))
	}
	return nil
}

func (p CrowdPlan) ultrapeerShares() []portion {
	return []portion{{Dead, p.Dead}, {Silent, p.Silent}, {Trimming, p.Trimming}, {Lying, p.Lying}}
}

func (p CrowdPlan) leafShares() []portion { return []portion{{Dead, p.Dead}, {Silent, p.Silent}} }
