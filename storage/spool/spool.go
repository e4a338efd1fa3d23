// Package spool keeps what a crawl sees while its database is away.
//
// A [Sink] records into a snapshot. When the database is lost, it goes on into a file of bounded size, and tries from time
// to time to open the snapshot again; when it succeeds, it stores what is in the file, and the file is gone. When the
// database stays away for longer than the crawl has patience, the file stays, and [Drain] stores it when the snapshot is
// resumed.
//
// The file is
//
//	0   18  magic
//	…   …   records: length of the payload, 4; CRC-32C of the payload, 4; payload, a batch of observations as JSON
//
// with numbers little-endian. A batch is synced to disk before it counts as kept. With it goes how many observations the
// snapshot held before: by that number one knows whether a batch whose COMMIT went unanswered was stored, since a batch is
// stored whole or not at all, and so none is stored twice.
package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"gnucensus/probe"
	"gnucensus/storage"
)

// Config says where to keep observations, and for how long.
type Config struct {
	Path     string        // of the file, which exists only while something is in it
	Patience time.Duration // how long to wait for the database; 0: its loss is an error at once
	Limit    int64         // bytes of the file; 0: 1 GiB

	// Again opens the snapshot again. An error but [storage.ErrNoSnapshot] means that the database is still away.
	Again func(ctx context.Context) (*storage.Snapshot, error)
	Stop  <-chan struct{} // when it is closed, nobody waits any more; nil: never

	Log *slog.Logger // nil: discards
}

const (
	defaultLimit = 1 << 30
	writeTime    = 30 * time.Second // bound on the storing of one batch
	openTime     = time.Minute      // bound on opening the snapshot again, which reads all hosts of it; patience may end before
	tryEvery     = time.Second      // how often it is tried
)

// ErrGone says that the database did not come back. Nothing more can be recorded.
var ErrGone = errors.New("the database did not come back")

// errMisfit: the file belongs to another state of the snapshot.
var errMisfit = errors.New("the spool does not fit the snapshot")

// A Sink records into a snapshot, or into a file while the database is away. Its methods are safe for concurrent use and run
// one at a time.
type Sink struct {
	cfg Config
	id  int64 // of the snapshot

	mu       sync.Mutex
	snapshot *storage.Snapshot
	kept     int64    // observations in the snapshot and in the file
	away     *absence // nil: the database is there
	was      *absence // the last one, while nothing was stored since; nil: something was
}

// An absence is the time without a database that takes what it is given.
type absence struct {
	since, tried time.Time
	cause        error // why it began
	last         error // of the last try that was not cut off; nil: there was none
	file         *file // nil until something is in it
}

// fail notes why a try failed, unless our own bound cut it off: that says nothing of the database.
func (a *absence) fail(err error) {
	if !errors.Is(err, context.DeadlineExceeded) {
		a.last = err
	}
}

// New makes a Sink, which closes the snapshot in the end.
func New(cfg Config, s *storage.Snapshot) *Sink {
	if cfg.Limit == 0 {
		cfg.Limit = defaultLimit
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Sink{cfg: cfg, id: s.ID(), snapshot: s, kept: s.Observations()}
}

// Record keeps observations: all of them or, when it returns an error, none. While the database is away and the file has no
// room, it waits. Its error is [ErrGone] when the database stayed away for too long.
func (s *Sink) Record(ctx context.Context, obs []probe.Observation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := batch{After: s.kept, Observations: obs}
	for {
		err := s.store(ctx, b)
		if err != nil && s.away == nil {
			return err
		}
		if err != nil && s.patience() <= 0 {
			return s.gone()
		}
		if err != nil {
			err = s.spool(b)
		}
		if err == nil {
			s.kept += int64(len(obs))
			return nil
		}
		s.cfg.Log.Warn("no room for what was seen while the database is away", "err", err)
		if err := s.pause(ctx); err != nil {
			return err
		}
	}
}

// Finish sets the state of the snapshot, as [storage.Snapshot.Finish] does. It waits for a database that is away.
func (s *Sink) Finish(ctx context.Context, complete bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		err := s.present(ctx)
		if err == nil {
			err = s.note(s.snapshot.Finish(ctx, complete))
		}
		if s.away == nil {
			return err
		}
		if err := s.pause(ctx); err != nil {
			return err
		}
	}
}

// Close closes the snapshot. What is in the file stays there.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == nil {
		s.snapshot.Close()
		return nil
	}
	if s.away.file != nil {
		return s.away.file.Close()
	}
	return nil
}

// store stores a batch in the database, if it is there.
func (s *Sink) store(ctx context.Context, b batch) error {
	if err := s.present(ctx); err != nil {
		return err
	}
	return s.note(settle(ctx, s.snapshot, b))
}

// settle stores a batch, unless the snapshot has it.
func settle(ctx context.Context, snapshot *storage.Snapshot, b batch) error {
	switch stored := snapshot.Observations(); {
	case stored >= b.After+int64(len(b.Observations)):
		return nil
	case stored != b.After:
		return fmt.Errorf("%w: that holds %d observations, and not %d", errMisfit, stored, b.After)
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	return snapshot.Record(ctx, b.Observations)
}

// note ends an absence when something was stored. One begins when an error says that the database cannot store now, but may
// do so later; a database that could be opened again and stored nothing was never back. It returns the error.
func (s *Sink) note(err error) error {
	away := errors.As(err, new(*storage.LostError)) || errors.Is(err, storage.ErrNoRoom) ||
		errors.Is(err, context.DeadlineExceeded)
	switch was := s.was; {
	case err == nil && was != nil:
		s.cfg.Log.Warn("the database is back", "after", time.Since(was.since).Round(time.Second).String())
		s.was = nil
	case !away || s.cfg.Patience == 0:
	case was != nil:
		s.snapshot.Close()
		s.away = &absence{since: was.since, tried: was.tried, cause: was.cause, last: was.last}
		s.away.fail(err)
	default:
		s.snapshot.Close()
		s.away = &absence{since: time.Now(), cause: err}
		s.cfg.Log.Warn("the database is away; what is seen meanwhile is kept on disk", "err", err, "file", s.cfg.Path,
			"patience", s.cfg.Patience.String())
	}
	return err
}

// present returns nil when the database is there, or is there again; then it has what was in the file.
func (s *Sink) present(ctx context.Context) error {
	a := s.away
	if a == nil {
		return nil
	}
	if time.Since(a.tried) < tryEvery {
		return a.cause
	}
	a.tried = time.Now()
	snapshot, err := s.again(context.WithoutCancel(ctx), a.file)
	if err != nil {
		a.fail(err)
		return err
	}
	s.snapshot, s.away, s.was = snapshot, nil, a
	if a.file != nil && a.file.observations > 0 {
		s.note(nil)
	}
	return nil
}

// again opens the snapshot and stores what is in the file, which it removes; nil is an empty one.
func (s *Sink) again(ctx context.Context, waiting *file) (*storage.Snapshot, error) {
	opening, cancel := context.WithTimeout(ctx, min(openTime, s.patience()))
	defer cancel()
	snapshot, err := s.cfg.Again(opening)
	if err != nil || waiting == nil {
		return snapshot, err
	}
	if err := waiting.drain(ctx, snapshot); err != nil {
		snapshot.Close()
		return nil, err
	}
	return snapshot, nil
}

// drain stores all batches and removes the file.
func (f *file) drain(ctx context.Context, snapshot *storage.Snapshot) error {
	if err := f.each(func(b batch) error { return settle(ctx, snapshot, b) }); err != nil {
		return fmt.Errorf("store what is in %s: %w", f.Name(), err)
	}
	return f.remove()
}

// spool adds a batch to the file.
func (s *Sink) spool(b batch) error {
	a := s.away
	if a.file == nil {
		f, err := open(s.cfg.Path, true)
		if err != nil {
			return err
		}
		a.file = f
	}
	return a.file.add(b, s.cfg.Limit)
}

// patience returns for how long the database is still waited for.
func (s *Sink) patience() time.Duration { return s.cfg.Patience - time.Since(s.away.since) }

// pause waits until it is time to try again, and returns an error when nobody should.
func (s *Sink) pause(ctx context.Context) error {
	left := s.patience()
	if left <= 0 {
		return s.gone()
	}
	next := time.NewTimer(min(left, tryEvery))
	defer next.Stop()
	select {
	case <-next.C:
		return nil
	case <-s.cfg.Stop:
	case <-ctx.Done():
	}
	return s.gone()
}

// gone says what is left to do.
func (s *Sink) gone() error {
	where := ""
	if f := s.away.file; f != nil && f.observations > 0 {
		where = fmt.Sprintf("; %d observations wait for it in %s", f.observations, f.Name())
	}
	err := fmt.Errorf("%w in %v%s; to go on: gnucensus snapshot resume %d: %w", ErrGone,
		time.Since(s.away.since).Round(time.Second), where, s.id, s.away.cause)
	if last := s.away.last; last != nil && last.Error() != s.away.cause.Error() {
		err = fmt.Errorf("%w; the last try: %w", err, last)
	}
	return err
}

// Drain stores what an earlier run of a snapshot has left in a file, and removes that. It returns the number of
// observations; that there is no file is no error.
func Drain(ctx context.Context, path string, snapshot *storage.Snapshot) (observations int, err error) {
	f, err := open(path, false)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open spool: %w", err)
	}
	if err := f.drain(ctx, snapshot); err != nil {
		return 0, errors.Join(err, f.Close())
	}
	return f.observations, nil
}
