package transfer

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gnucensus/servent/urn"
)

// A download is a file that is being fetched: which of its segments are there, which somebody is about to bring, and what is
// believed of the rest. It is safe for concurrent use.
type download struct {
	job      Job
	root     *os.Root
	throttle *throttle

	beginning sync.Mutex // taken before mu by who learns what file it is: size, name, hash

	mu        sync.Mutex
	changed   chan struct{}           // closed and replaced with every change that somebody may wait for
	urn       urn.URN                 // of the file: what was asked for, or what the first source said
	anchor    *urn.Tiger              // root of the tree that was asked for; nil: none was
	believed  *urn.Tiger              // root of the tree by which segments are verified; nil: none is known
	part      *partial                // nil: the size is not known yet
	taken     []bool                  // by segment: somebody brings it
	loads     map[*load]bool          // under way
	claimed   time.Time               // when somebody began to fetch the tree; zero: nobody does
	dividing  bool                    // somebody sets the tree, so that nobody may take a segment
	givers    map[Source]bool         // who has given a segment
	inherited bool                    // some of it came from an earlier run
	unproved  bool                    // no tree has verified what was there before the givers
	solo      bool                    // sources are tried one by one, each for the whole file
	only      Source                  // that is tried
	fresh     []Source                // learnt, not yet taken up
	proved    map[netip.AddrPort]bool // sources that have given some of it …
	dead      map[netip.AddrPort]bool // … and such as are dropped
	fault     error                   // of this side, which ends the job
	latest    time.Time               // segment to come
	verified  bool
	computed  urn.URN
}

func newDownload(job Job, root *os.Root) *download {
	d := &download{
		job: job, root: root, throttle: newThrottle(job.Rate), changed: make(chan struct{}), urn: job.URN, anchor: job.URN.Tiger,
		loads: make(map[*load]bool), givers: make(map[Source]bool),
		proved: make(map[netip.AddrPort]bool), dead: make(map[netip.AddrPort]bool),
	}
	d.believed = d.anchor
	return d
}

// title is how messages call the file.
func (d *download) title() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.part != nil:
		return filepath.Join(d.job.Folder, d.part.name)
	case d.job.Name != "":
		return filepath.Join(d.job.Folder, safeName(d.job.Name))
	}
	return d.urn.String()
}

// notify wakes up whoever waits for a change. The caller holds the lock.
func (d *download) notify() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// changes returns a channel that is closed with the next change.
func (d *download) changes() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

// begin opens the partial file, once its size is known. Later sizes must be the same.
func (d *download) begin(ctx context.Context, size uint64, name string) error {
	d.beginning.Lock()
	defer d.beginning.Unlock()
	if known := d.size(); (known != 0 || d.part != nil) && known != size {
		if d.job.Size != 0 {
			return fmt.Errorf("file of %d bytes instead of %d: %w", size, known, ErrLiar)
		}
		return errAside
	}
	if d.part != nil { // nobody else writes it
		return nil
	}
	if earlier, ok := findPartial(d.root, d.urn); ok {
		name = earlier
	} else if name == "" {
		name = d.urn.String()
	}
	part, err := openPartial(ctx, d.root, safeName(name), d.urn, size)
	if err == nil && part.tree != nil && d.anchor != nil && part.tree.Root() != *d.anchor {
		err = part.divide(ctx, nil, nil)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.fail(ctx, err)
		return err
	}
	d.part, d.taken, d.urn = part, make([]bool, len(part.have)), part.urn
	if part.tree != nil {
		root := part.tree.Root()
		d.believed = &root
	}
	done, _ := part.done()
	d.inherited = done > 0
	d.unproved = done > 0 && part.tree == nil
	d.job.Partials.add(part)
	d.notify()
	return nil
}

// size is that of the file, 0 while it is not known.
func (d *download) size() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.part == nil {
		return d.job.Size
	}
	return d.part.size
}

// fail takes up a fault of this side, unless it is the end of ctx. The caller holds the lock.
func (d *download) fail(ctx context.Context, err error) {
	if d.fault == nil && ctx.Err() == nil {
		d.fault = err
		d.notify()
	}
}

// broken returns the fault of this side, if any.
func (d *download) broken() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fault
}

// segment is the bytes of a segment.
func (d *download) segment(i int) span { return segmentSpan(d.part.size, d.segmentSize(), i) }

// segmentSize is the size of all segments but the last.
func (d *download) segmentSize() uint64 {
	d.part.mu.Lock()
	defer d.part.mu.Unlock()
	return d.part.segment
}

// write writes bytes of a segment that the caller has taken.
func (d *download) write(ctx context.Context, b []byte, at uint64) error {
	_, err := d.part.file.WriteAt(b, int64(at))
	if err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.fail(ctx, err)
	}
	return err
}

// brought takes up a segment whose bytes are written; tree is that of its bytes.
func (d *download) brought(ctx context.Context, s *session, i int, tree *urn.Tree) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.part.tree; known != nil && known.Row[i] != tree.Row[0] {
		return d.contradicts(s)
	}
	d.latest = time.Now()
	d.givers[s.source.Source], s.source.useful = true, true
	if d.part.tree != nil && s.source.Addr.IsValid() {
		d.proved[s.source.Addr] = true
	}
	err := d.part.add(i)
	if err != nil {
		d.fail(ctx, err)
	}
	d.notify()
	return err
}

// contradicts decides about a source whose bytes are not those of the tree. Only where the tree was asked for, or is its own, it
// is certain that the source is wrong, and not the tree. The caller holds the lock.
func (d *download) contradicts(s *session) error {
	if d.anchor != nil || s.source.root != nil {
		return ErrLiar
	}
	return errAside
}

// lastBrought is when the last segment came, the zero Time when none has.
func (d *download) lastBrought() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.latest
}

// complete tells whether all of the file is there.
func (d *download) complete() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.part == nil {
		return false
	}
	_, all := d.part.done()
	return all
}

// done is how many bytes are there.
func (d *download) done() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.part == nil {
		return 0
	}
	done, _ := d.part.done()
	return done
}

// check compares the hashes of the whole file with those that are known.
func (d *download) check(ctx context.Context) (ok bool, err error) {
	sum, tree, err := urn.Hash(ctx, d.part.reader(span{0, d.part.size}), d.part.size)
	if err != nil {
		return false, fmt.Errorf("verify: %w", err)
	}
	root := tree.Root()
	d.computed = urn.URN{SHA1: &sum, Tiger: &root}
	sumOK := d.urn.SHA1 == nil || *d.urn.SHA1 == sum
	rootOK := d.urn.Tiger == nil || *d.urn.Tiger == root
	if sumOK != rootOK && d.urn.SHA1 != nil && d.urn.Tiger != nil {
		return false, ErrHashes
	}
	if !sumOK || !rootOK {
		return false, nil
	}
	d.verified = d.urn != urn.URN{}
	return true, d.part.finish()
}

// end closes the file.
func (d *download) end() error {
	if d.part == nil {
		return nil
	}
	d.job.Partials.remove(d.part)
	return d.part.close()
}
