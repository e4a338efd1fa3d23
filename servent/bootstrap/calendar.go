package bootstrap

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"sync"
	"time"
)

// ErrTooSoon: the cache was asked, or failed, less than its interval ago. Nothing was sent.
var ErrTooSoon = errors.New("asked too recently")

// A Calendar says when each cache may be asked again, between runs too where it has a file: whoever starts a program again and
// again is to burden the caches no more than who lets it run. It is safe for concurrent use.
type Calendar struct {
	path string // empty: it ends with the program

	mu   sync.Mutex
	next map[string]time.Time
}

// OpenCalendar reads the file, which need not exist yet; an empty path means none. A line holds the name of a cache and a time
// in RFC 3339 form; one that cannot be read is an error that names it.
func OpenCalendar(path string) (*Calendar, error) {
	c := &Calendar{path: path, next: make(map[string]time.Time)}
	if path == "" {
		return c, nil
	}
	err := readDated(path, func(name string, at time.Time) error {
		c.next[name] = at
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open calendar of caches: %w", err)
	}
	return c, nil
}

// admit reserves a cache for one request, so that it may not be asked again for a period. The error is [ErrTooSoon] when it is
// reserved already.
func (c *Calendar) admit(cache string, now time.Time, period time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.next[cache]; now.Before(at) {
		return fmt.Errorf("%w: again in %v", ErrTooSoon, at.Sub(now).Round(time.Second))
	}
	c.next[cache] = now.Add(period)
	return c.save(now)
}

// settle says when a cache may be asked again, after it has been.
func (c *Calendar) settle(cache string, now time.Time, period time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next[cache] = now.Add(period)
	return c.save(now)
}

// save writes the file, without what is past. The caller holds mu.
func (c *Calendar) save(now time.Time) error {
	maps.DeleteFunc(c.next, func(_ string, at time.Time) bool { return !now.Before(at) })
	if c.path == "" {
		return nil
	}
	var lines iter.Seq2[string, time.Time] = maps.All(c.next)
	if err := writeDated(c.path, "caches of the Gnutella network: name, not to be asked before", lines); err != nil {
		return fmt.Errorf("save calendar of caches: %w", err)
	}
	return nil
}
