package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"gnucensus/probe"
	"gnucensus/storage"
)

// candidatesPerVia is how many ultrapeers may be tried for one that lets us ask: many have no slot for a leaf.
const candidatesPerVia = 4

// ask asks each query that is still to be asked through QueryVia ultrapeers.
func (c *census) ask(ctx context.Context) error {
	candidates, pending, err := c.planQueries(ctx, c.db, c.snapshot.ID())
	if err != nil {
		return fmt.Errorf("choose ultrapeers to ask through: %w", errors.Join(ctx.Err(), err))
	}
	if queries, vias := c.toAsk(candidates, pending); vias > 0 {
		fmt.Fprintf(c.talk, "asking %s through %s\n", many(queries, "query"), many(vias, "ultrapeer"))
	} else if len(candidates) == 0 {
		fmt.Fprintf(c.talk, "asks no query: no ultrapeer answered\n")
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	next, answers := make(chan probe.Endpoint, len(candidates)), make(chan []probe.Observation)
	for _, e := range candidates {
		next <- e
	}
	close(next)
	var askers sync.WaitGroup
	for range c.QueryVia {
		askers.Go(func() { c.askThroughOne(asking, next, pending, answers) })
	}
	go func() { askers.Wait(); close(answers) }()
	for obs := range answers {
		if err == nil {
			err = c.record(ctx, obs)
		}
		if err != nil {
			stop()
		}
	}
	return err
}

// planQueries returns the ultrapeers to ask through, the best first, and which queries are still to be asked through each.
func (s settings) planQueries(ctx context.Context, db *storage.DB, snapshot int64) (
	[]probe.Endpoint, func(probe.Endpoint) []string, error) {
	candidates, err := db.Ultrapeers(ctx, snapshot, candidatesPerVia*s.QueryVia)
	if err != nil {
		return nil, nil, err
	}
	asked, err := db.Asked(ctx, snapshot)
	if err != nil {
		return nil, nil, err
	}
	pending := func(via probe.Endpoint) []string {
		return slices.DeleteFunc(slices.Clone(s.Queries), func(words string) bool { return slices.Contains(asked[via], words) })
	}
	return candidates, pending, nil
}

// toAsk counts the queries that are still to be asked through somebody, and through how many at a time.
func (s settings) toAsk(candidates []probe.Endpoint, pending func(probe.Endpoint) []string) (queries, vias int) {
	words := make(map[string]bool)
	for _, via := range candidates[:min(s.QueryVia, len(candidates))] {
		left := pending(via)
		for _, w := range left {
			words[w] = true
		}
		vias += min(len(left), 1)
	}
	return len(words), vias
}

// askThroughOne tries candidates until one of them lets us ask all that is pending.
func (c *census) askThroughOne(ctx context.Context, candidates <-chan probe.Endpoint,
	pending func(probe.Endpoint) []string, answers chan<- []probe.Observation) {
	for via := range candidates {
		words := pending(via)
		if len(words) == 0 || ctx.Err() != nil {
			return
		}
		obs := c.surveyor.Ask(ctx, via, words)
		answers <- obs
		if slices.ContainsFunc(obs, func(o probe.Observation) bool { return o.Outcome == probe.Answered }) {
			return
		}
	}
}

// record keeps answers to queries. Those that were cut off are not kept: they are asked again when the snapshot is resumed.
// Nor is the refusal of an ultrapeer that did not let us ask, which its visit has met already. The end of ctx does not stop
// the writing.
func (c *census) record(ctx context.Context, obs []probe.Observation) error {
	obs = slices.DeleteFunc(obs, func(o probe.Observation) bool {
		return o.Method != probe.Query || o.Outcome == probe.Cancelled
	})
	if len(obs) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.writeTime())
	defer cancel()
	return c.sink.Record(ctx, obs)
}
