package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"

	"gnucensus/servent/library"
	"gnucensus/servent/urn"
)

// plainSegment is the size of a segment, in bytes, while no tree says otherwise.
const plainSegment = 256 << 10

// stateSuffix ends the name of a state.
const stateSuffix = library.PartialSuffix + "-state"

// maxState is the longest state that is read, in bytes.
const maxState = 16 << 20

// errInUse says that another process fetches to the same file.
var errInUse = errors.New("another process is fetching it")

// A partial is a file that is being fetched: one that has its full size, and beside it one that tells which segments of it are
// there. Each segment has one writer at a time, which the caller sees to; else it is safe for concurrent use.
type partial struct {
	root *os.Root
	name string // of the file that it becomes
	size uint64
	file *os.File

	finished bool // it has its name

	mu      sync.Mutex
	urn     urn.URN   // as far as it is known
	tree    *urn.Tree // nil: not known, and no segment is verified
	segment uint64    // bytes of each but the last
	have    []bool    // by segment
	bytes   uint64    // that are there
	state   *os.File
	marks   int64 // where they are in it
}

// A state is what is kept beside the file: this on one line, as JSON, then a mark for each segment. When a segment comes its
// mark is changed in place, which takes no room on a full disk and leaves nothing half done.
type state struct {
	URN     string // as text
	Size    uint64
	Segment uint64
	Tree    []byte // all its nodes; empty: not known
}

const (
	markMissing = '.'
	markThere   = '#'
)

func (p *partial) fileName() string  { return p.name + library.PartialSuffix }
func (p *partial) stateName() string { return p.name + stateSuffix }

// openPartial opens the partial file that is to become name, or makes it. Of what is said to be there already it takes what the
// tree confirms, or all of it while there is none. The error is [fs.ErrExist] when there is a file of that name, or a partial
// one of something else.
func openPartial(ctx context.Context, root *os.Root, name string, u urn.URN, size uint64) (_ *partial, err error) {
	if _, err := root.Lstat(name); err == nil {
		return nil, fs.ErrExist
	}
	p := &partial{root: root, name: name, urn: u, size: size}
	if p.file, err = root.OpenFile(p.fileName(), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.file.Close()
			p.state.Close() // nil is no file to close
		}
	}()
	if err := syscall.Flock(int(p.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errInUse
	} else if err != nil {
		return nil, fmt.Errorf("lock %s: %w", p.fileName(), err)
	}
	info, err := p.file.Stat()
	if err != nil {
		return nil, err
	}
	claimed, err := p.resume(info.Size() > 0)
	if err != nil {
		return nil, err
	}
	if err := p.divide(ctx, p.tree, claimed); err != nil {
		return nil, err
	}
	if err := p.file.Truncate(int64(size)); err != nil { // not before it has a state
		return nil, fmt.Errorf("make room for %d bytes: %w", size, err)
	}
	return p, nil
}

// readState reads the state of the partial file of that name, and the marks of its segments.
func readState(root *os.Root, name string) (s state, u urn.URN, marks []byte, err error) {
	f, err := root.Open(name)
	if err != nil {
		return state{}, urn.URN{}, nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxState))
	if err != nil {
		return state{}, urn.URN{}, nil, err
	}
	line, marks, _ := bytes.Cut(text, []byte("\n"))
	if err = json.Unmarshal(line, &s); err == nil && s.URN != "" {
		u, err = urn.Parse(s.URN)
	}
	if err != nil {
		return state{}, urn.URN{}, nil, fmt.Errorf("read %s: %w", name, err)
	}
	return s, u, marks, nil
}

// findPartial returns the name that a file with these hashes will have, which an earlier fetch has begun.
func findPartial(root *os.Root, u urn.URN) (name string, ok bool) {
	if u == (urn.URN{}) {
		return "", false
	}
	found, err := fs.Glob(root.FS(), "*"+stateSuffix)
	if err != nil {
		return "", false
	}
	for _, file := range found {
		if _, other, _, err := readState(root, file); err == nil && other != (urn.URN{}) && sameFile(u, other) {
			return strings.TrimSuffix(file, stateSuffix), true
		}
	}
	return "", false
}

// resume reads the state, and returns what it says to be there.
func (p *partial) resume(begun bool) ([]span, error) {
	other := &fs.PathError{Op: "take up", Path: p.fileName(), Err: fs.ErrExist}
	s, u, marks, err := readState(p.root, p.stateName())
	switch {
	case errors.Is(err, fs.ErrNotExist) && !begun:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, other
	case err != nil:
		return nil, err
	case !sameFile(u, p.urn) || s.Size != p.size:
		return nil, other
	}
	if p.urn == (urn.URN{}) {
		p.urn = u
	}
	if len(s.Tree) > 0 {
		if p.tree, err = makeNodes(s.Size, s.Tree); err != nil {
			return nil, fmt.Errorf("read %s: %w", p.stateName(), err)
		}
	}
	var claimed []span
	for i, mark := range marks {
		if part := segmentSpan(s.Size, s.Segment, i); mark == markThere && part.from < part.to {
			claimed = append(claimed, part)
		}
	}
	return merge(claimed), nil
}

// sameFile tells whether two URNs may name one file.
func sameFile(a, b urn.URN) bool {
	if a.SHA1 != nil && b.SHA1 != nil {
		return *a.SHA1 == *b.SHA1
	}
	if a.Tiger != nil && b.Tiger != nil {
		return *a.Tiger == *b.Tiger
	}
	return a == urn.URN{} || b == urn.URN{}
}

// divide divides the file into the segments of a tree, or plain ones without. Of what is claimed to be there it takes the
// segments that lie in it whole and that the tree confirms.
func (p *partial) divide(ctx context.Context, tree *urn.Tree, claimed []span) error {
	segment := uint64(plainSegment)
	if tree != nil {
		segment = tree.Segment
	}
	have, there := make([]bool, max(1, (p.size+segment-1)/segment)), uint64(0)
	for i := range have {
		s := segmentSpan(p.size, segment, i)
		if within(claimed, s) != s {
			continue
		}
		have[i] = true
		if tree != nil {
			h := urn.NewTreeHasher(segment)
			if _, err := io.Copy(h, p.reader(s)); err != nil {
				return fmt.Errorf("verify %s: %w", p.fileName(), err)
			}
			have[i] = h.Tree().Row[0] == tree.Row[i]
		}
		if have[i] {
			there += s.len()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tree, p.segment, p.have, p.bytes = tree, segment, have, there
	return p.save()
}

// reader reads some of the file.
func (p *partial) reader(s span) io.Reader {
	return io.NewSectionReader(p.file, int64(s.from), int64(s.len()))
}

// segmentSpan is the bytes of a segment, empty beyond the file.
func segmentSpan(size, segment uint64, i int) span {
	from := min(size, uint64(i)*segment)
	return span{from, min(size, from+segment)}
}

// spans returns what is there.
func (p *partial) spans() []span {
	p.mu.Lock()
	defer p.mu.Unlock()
	spans := []span{}
	for i, ok := range p.have {
		s := segmentSpan(p.size, p.segment, i)
		switch last := len(spans) - 1; {
		case !ok || s.len() == 0:
		case last >= 0 && spans[last].to == s.from:
			spans[last].to = s.to
		default:
			spans = append(spans, s)
		}
	}
	return spans
}

// done tells how many bytes are there, and whether that is all.
func (p *partial) done() (bytes uint64, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes, p.bytes == p.size
}

// identify takes up the hashes of the file.
func (p *partial) identify(u urn.URN) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.urn = u
	return p.save()
}

// sha1 returns the SHA1 of the file, if it is known.
func (p *partial) sha1() *urn.SHA1 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.urn.SHA1
}

// verified tells whether there is a tree.
func (p *partial) verified() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tree != nil
}

// has tells whether a segment is there.
func (p *partial) has(i int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.have[i]
}

// add takes up that a segment is there.
func (p *partial) add(i int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.have[i] {
		return nil
	}
	p.have[i] = true
	p.bytes += segmentSpan(p.size, p.segment, i).len()
	if _, err := p.state.WriteAt([]byte{markThere}, p.marks+int64(i)); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

// save writes the state to a new file, which then takes the place of the old one: whenever the process ends, one of the two is
// whole. The caller holds the lock, or is alone.
func (p *partial) save() error {
	s := state{URN: p.urn.String(), Size: p.size, Segment: p.segment}
	if p.tree != nil {
		s.Tree = appendNodes(nil, p.tree)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	marks := int64(len(text))
	for _, there := range p.have {
		if there {
			text = append(text, markThere)
		} else {
			text = append(text, markMissing)
		}
	}
	fresh := p.stateName() + ".new"
	f, err := p.root.OpenFile(fresh, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	if _, err = f.Write(text); err == nil {
		err = p.root.Rename(fresh, p.stateName())
	}
	if err != nil {
		return fmt.Errorf("save state: %w", errors.Join(err, f.Close(), p.root.Remove(fresh)))
	}
	old := p.state
	p.state, p.marks = f, marks
	if old != nil {
		return old.Close()
	}
	return nil
}

// finish gives the complete file its name, which nobody may have taken meanwhile, and forgets the state.
func (p *partial) finish() error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	err := p.root.Link(p.fileName(), p.name)
	if err == nil {
		err = p.root.Remove(p.fileName())
	} else if !errors.Is(err, fs.ErrExist) { // a file system without links
		var reserved *os.File
		if reserved, err = p.root.OpenFile(p.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err == nil {
			reserved.Close()
			err = p.root.Rename(p.fileName(), p.name)
		}
	}
	if err != nil {
		return fmt.Errorf("finish %s: %w", p.name, err)
	}
	p.finished = true
	return p.root.Remove(p.stateName())
}

// close ends the work on the file, and keeps what there is of it; nothing is not kept.
func (p *partial) close() error {
	defer p.file.Close()
	err := p.state.Close()
	if bytes, _ := p.done(); bytes == 0 && !p.finished {
		err = errors.Join(err, p.root.Remove(p.stateName()), p.root.Remove(p.fileName()))
	}
	return err
}

// item is the partial as a server sees it.
func (p *partial) item() item {
	return item{
		File:  library.File{Name: p.name, Size: p.size, URN: urn.URN{SHA1: p.sha1()}},
		parts: p.spans(),
		open:  func() (*os.File, error) { return p.root.Open(p.fileName()) },
		tree: func() (*urn.Tree, bool) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.tree, p.tree != nil
		},
	}
}

// Partials are the files that are being fetched, so that a server can send what there is of them. Its zero value has none.
type Partials struct {
	mu    sync.Mutex
	files map[urn.SHA1]*partial
}

func (ps *Partials) add(p *partial) {
	h := p.sha1()
	if ps == nil || h == nil {
		return
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.files == nil {
		ps.files = make(map[urn.SHA1]*partial)
	}
	ps.files[*h] = p
}

func (ps *Partials) remove(p *partial) {
	h := p.sha1()
	if ps == nil || h == nil {
		return
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.files[*h] == p {
		delete(ps.files, *h)
	}
}

// find returns a file that is being fetched, once its tree has verified something of it.
func (ps *Partials) find(h urn.SHA1) (item, bool) {
	if ps == nil {
		return item{}, false
	}
	ps.mu.Lock()
	p := ps.files[h]
	ps.mu.Unlock()
	if p == nil {
		return item{}, false
	}
	i := p.item()
	tree, ok := i.tree()
	if !ok {
		return item{}, false
	}
	root := tree.Root()
	i.URN.Tiger = &root
	return i, true
}
