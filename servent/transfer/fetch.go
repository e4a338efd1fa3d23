package transfer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"gnucensus/servent/library"
	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

// A Source is a host that has a file, or may have it.
type Source struct {
	Addr    netip.AddrPort
	Servent message.GUID // of the servent; zero: not known
	Index   uint32       // the file's number there
	Name    string       // the file's name there; empty: it is known by its hash alone
}

// A Job says what to fetch, from whom and to where.
type Job struct {
	URN      urn.URN  // the hashes of the file, as far as they are known
	Size     uint64   // bytes; 0: not known
	Name     string   // under which it is kept, made safe, if no earlier Fetch of it was cut; empty: as the first source says
	Folder   string   // where it is kept
	Sources  []Source // to begin with; others are learnt from them
	Parallel int      // connections at once; 0: 8
	Rate     int      // bytes a second of all of them; 0: no limit
	Agent    string   // User-Agent

	Dial     func(context.Context, Source) (net.Conn, error) // nil: TCP to the source's address
	Mesh     *library.Mesh                                   // takes up what is learnt of other sources; nil: nobody wants to know
	Partials *Partials                                       // has the file while it is fetched; nil: nobody serves its parts
	Own      func() netip.AddrPort                           // where they are served, invalid while nobody can connect; nil: nowhere
	Progress func(Progress)                                  // called now and then by one goroutine; nil: nobody wants to know
	Log      *slog.Logger                                    // nil: discards
}

// A Progress is how far a job has come.
type Progress struct {
	Size      uint64 // bytes; 0: not known yet
	Done      uint64 // bytes that are there, verified where there is a tree
	Connected int    // connections
	Sources   int    // that may still be asked
}

// A Dropped is a source that is asked no more, and why.
type Dropped struct {
	Source Source
	Err    error
}

// A Result is what became of a job.
type Result struct {
	Path     string    // of the file
	Size     uint64    // bytes
	URN      urn.URN   // its hashes, computed
	Verified bool      // they are those that were asked for, or that the sources said
	Dropped  []Dropped // sources that did not serve
}

// Faults of sources and jobs.
var (
	ErrLiar      = errors.New("sends something else than it says") // for good, as are the next two
	ErrTree      = errors.New("has a tree that does not match its root")
	ErrGone      = errors.New("does not have the file")
	ErrNoSources = errors.New("no source has the file") // the job's: all of them are dropped
	ErrHashes    = errors.New("the hashes of the file contradict each other")
)

// Waits of a fetch.
const (
	dialTime      = 20 * time.Second // for TCP
	callTime      = 3 * time.Minute  // for Dial, which may have to ask several push proxies
	answerTime    = time.Minute      // for the head of an answer to begin
	stallTime     = 30 * time.Second // without a byte
	retryFirst    = 500 * time.Millisecond
	retryLast     = time.Minute // the wait doubles from the first to the last
	retries       = 6           // without a byte of use in between
	busyFirst     = time.Second // least and longest wait for a host that is busy
	busyLast      = 10 * time.Minute
	busyUsual     = 30 * time.Second // when it tells nothing
	progressEvery = 250 * time.Millisecond
	treeTime      = 5 * time.Second // for a tree to arrive, before another source is asked for it too
	staleTime     = 5 * time.Minute // without a segment, after which others are believed instead
	maxSources    = 256
	maxFile       = 1 << 40 // bytes
)

// Fetch fetches a file. It ends when the file is there and verified, when no source is left, when it cannot be written, or when
// ctx ends. What has been fetched by then is kept, and the next Fetch of the file goes on from there. The error is
// [fs.ErrExist] when there is a file of that name already, [ErrNoSources] with the reasons of all, or that of ctx or of the
// system.
func Fetch(ctx context.Context, job Job) (*Result, error) {
	if job.Parallel == 0 {
		job.Parallel = 8
	}
	if job.Log == nil {
		job.Log = slog.New(slog.DiscardHandler)
	}
	if job.Dial == nil {
		job.Dial = func(ctx context.Context, s Source) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", s.Addr.String())
		}
	}
	if job.Size > maxFile {
		return nil, fmt.Errorf("fetch file of %d bytes: more than %d", job.Size, uint64(maxFile))
	}
	root, err := os.OpenRoot(job.Folder)
	if err != nil {
		return nil, fmt.Errorf("fetch to folder: %w", err)
	}
	defer root.Close()
	d := newDownload(job, root)
	if job.Name != "" && job.Size != 0 {
		if err := d.begin(ctx, job.Size, job.Name); err != nil {
			return nil, fmt.Errorf("fetch %s: %w", d.title(), err)
		}
	}
	c := newCrew(d)
	err = c.run(ctx)
	if end := d.end(); err == nil {
		err = end
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", d.title(), err)
	}
	return &Result{
		Path: filepath.Join(job.Folder, d.part.name), Size: d.part.size, URN: d.computed, Verified: d.verified, Dropped: c.dropped,
	}, nil
}
