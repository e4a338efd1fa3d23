package transfer

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"gnucensus/servent/internal/vicinity"
	"gnucensus/servent/urn"
)

// What sources say of a file is hearsay until its SHA1 proves it. A tree that was not asked for by its root is believed as long
// as nothing speaks against it: the first root that is told counts, and who tells another is set aside. When the file then
// proves to be another one, those who told that root are dropped; then, or when nobody is left who tells it, those who were set
// aside get their turn.

// adopt takes up the SHA1 that a source gives for the file, and tells whether it is the one that is known.
func (d *download) adopt(ctx context.Context, h urn.SHA1) bool {
	d.beginning.Lock()
	defer d.beginning.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.urn.SHA1 == nil {
		d.urn.SHA1 = &h
		if d.part != nil {
			if err := d.part.identify(d.urn); err != nil {
				d.fail(ctx, err)
			}
			d.job.Partials.add(d.part)
		}
	}
	return *d.urn.SHA1 == h
}

// judge decides about a source by the root that it tells.
func (d *download) judge(root urn.Tiger) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.believed == nil:
		d.believed = &root
	case *d.believed == root:
	case d.anchor != nil:
		return ErrTree
	default:
		return errAside
	}
	return nil
}

// spread takes up where else the file is said to be, by a host.
func (d *download) spread(header http.Header, said netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.urn.SHA1 == nil {
		return
	}
	for _, addr := range parseLocations(header, liveHeaders) {
		if addr == d.own() {
			continue
		}
		d.job.Mesh.Add(*d.urn.SHA1, addr, said)
		if len(d.fresh) < maxSources && vicinity.Tellable(addr.Addr(), said) {
			d.fresh = append(d.fresh, Source{Addr: addr})
		}
	}
	if len(d.fresh) > 0 {
		d.notify()
	}
}

// prove takes up that a source has proved to be one, so that others are told of it.
func (d *download) prove(s Source) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.urn.SHA1 != nil && s.Addr.IsValid() {
		d.proved[s.Addr] = true
		d.job.Mesh.Add(*d.urn.SHA1, s.Addr, s.Addr.Addr())
	}
}

// bury takes up that a source is of no use.
func (d *download) bury(s Source) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.urn.SHA1 != nil && s.Addr.IsValid() {
		delete(d.proved, s.Addr)
		d.dead[s.Addr] = true
		d.job.Mesh.Dead(*d.urn.SHA1, s.Addr, netip.Addr{})
	}
}

// learnt returns the sources that were learnt since the last call.
func (d *download) learnt() []Source {
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh := d.fresh
	d.fresh = nil
	return fresh
}

// claimTree tells whether the caller shall fetch the tree: there is none, and nobody else has been at it in the last moments.
func (d *download) claimTree() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.part == nil || d.part.verified() || d.treeComes() > 0 {
		return false
	}
	d.claimed = time.Now()
	return true
}

// leaveTree takes up that the caller has fetched the tree, or could not.
func (d *download) leaveTree() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.claimed = time.Time{}
	d.notify()
}

// treeComes is how long the tree may still be waited for. The caller holds the lock.
func (d *download) treeComes() time.Duration { return treeTime - time.Since(d.claimed) }

// setTree divides the file anew and verifies what is there, as soon as nobody brings anything. Meanwhile nobody may take more,
// and who takes too long is interrupted.
func (d *download) setTree(ctx context.Context, tree *urn.Tree) error {
	d.mu.Lock()
	if d.dividing || d.part.verified() {
		d.mu.Unlock()
		return nil
	}
	d.dividing = true
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.dividing = false
		d.notify()
	}()
	late := time.NewTimer(lateTime)
	defer late.Stop()
	for {
		d.mu.Lock()
		changed, bringing := d.changed, len(d.loads)
		d.mu.Unlock()
		if bringing == 0 {
			return d.divide(ctx, tree, d.part.spans())
		}
		select {
		case <-changed:
		case <-late.C:
			d.interrupt()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// divide divides the file anew. Nobody may bring or take anything meanwhile.
func (d *download) divide(ctx context.Context, tree *urn.Tree, claimed []span) error {
	err := d.part.divide(ctx, tree, claimed)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.fail(ctx, err)
		return err
	}
	d.taken = make([]bool, len(d.part.have))
	done, _ := d.part.done()
	d.unproved = tree == nil && done > 0
	d.notify()
	return nil
}

// forget goes back to believing nobody, since nobody is left whom to believe. What came from an earlier run stays, for others may
// confirm it.
func (d *download) forget(ctx context.Context) error {
	d.mu.Lock()
	d.believed = d.anchor
	part, lasting := d.part, d.inherited || d.job.Size != 0
	d.mu.Unlock()
	switch {
	case part == nil:
		return nil
	case !lasting:
		return d.discard(ctx)
	case part.tree == nil || d.anchor != nil:
		return nil
	}
	return d.divide(ctx, nil, part.spans())
}

// reset throws away all of a file that proves to be another one. Who has lied is certain where there is a tree, which is then a
// false one, for those who told of it, and without a tree when one source has given all. Otherwise sources are tried one by one
// from now on.
func (d *download) reset(ctx context.Context) (lied func(*source) bool, err error) {
	d.mu.Lock()
	givers, tree := d.givers, d.part.tree
	switch {
	case tree != nil:
		root := tree.Root()
		lied = func(s *source) bool { return s.root != nil && *s.root == root }
	case len(givers) == 1 && !d.unproved:
		lied = func(s *source) bool { return givers[s.Source] }
	default:
		lied = func(*source) bool { return false }
		d.solo = d.solo || !d.unproved
	}
	d.givers, d.believed = make(map[Source]bool), d.anchor
	d.mu.Unlock()
	if d.job.Size == 0 {
		return lied, d.discard(ctx) // the size may have been wrong as well
	}
	return lied, d.divide(ctx, nil, nil)
}

// discard throws the file away, with what is known of it.
func (d *download) discard(ctx context.Context) error {
	if err := d.divide(ctx, nil, nil); err != nil {
		return err
	}
	err := d.end()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.part, d.inherited = nil, false
	return err
}

// alone tells whether sources are tried one by one.
func (d *download) alone() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.solo
}

// dedicate prepares the file for a source that works alone: what another has given is thrown away, unless it is verified.
func (d *download) dedicate(ctx context.Context, s Source) error {
	d.mu.Lock()
	again := !d.solo || d.only == s || d.part == nil || d.part.verified()
	d.only = s
	if !again {
		d.givers = make(map[Source]bool)
	}
	d.mu.Unlock()
	if again {
		return nil
	}
	return d.divide(ctx, nil, nil)
}
