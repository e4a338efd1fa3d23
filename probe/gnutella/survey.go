package gnutella

import (
	"context"
	"sync"

	"gnucensus/probe"
)

// Survey visits hosts as [probe.Prober] has it, each in a goroutine of its own.
func (p *Prober) Survey(ctx context.Context, hosts <-chan []probe.Endpoint, visits chan<- []probe.Visit) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	for some := range hosts {
		for _, e := range some {
			underWay.Go(func() { visits <- []probe.Visit{{Endpoint: e, Observations: p.Probe(ctx, e)}} })
		}
	}
}
