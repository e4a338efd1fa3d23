package crawler

import (
	"context"
	"fmt"

	"gnucensus/probe"
)

// A batch is visits that are written together.
type batch struct {
	observations []probe.Observation
	peers        int // that they name
	visited      int // hosts visited for the first time
	reached      int // hosts that spoke the protocol, and had not done so before
}

func (b *batch) add(obs []probe.Observation) {
	b.observations = append(b.observations, obs...)
	for i := range obs {
		b.peers += len(obs[i].Peers)
	}
}

// size counts observations, and as much for those who name many peers as their memory suggests.
func (b *batch) size() int { return len(b.observations) + b.peers/8 }

func (b *batch) empty() bool { return len(b.observations) == 0 }

// clear lets go of what the observations hold, and keeps their room.
func (b *batch) clear() {
	clear(b.observations)
	*b = batch{observations: b.observations[:0]}
}

// write records batches until the channel is closed. The end of ctx does not cut the writing off, its own bound does: whether
// a batch that was cut off is kept or not, nobody could tell.
func (c *Crawler) write(ctx context.Context, batches <-chan batch, written chan<- error) {
	for b := range batches {
		written <- c.record(ctx, b)
	}
}

func (c *Crawler) record(ctx context.Context, b batch) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.WriteTimeout)
	defer cancel()
	if err := c.sink.Record(ctx, b.observations); err != nil {
		return fmt.Errorf("record %d observations: %w", len(b.observations), err)
	}
	return nil
}
