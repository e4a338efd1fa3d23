package pace

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"
)

// Exclusions are the addresses whose owners asked to be left alone, or that the researcher must leave alone: a file with an
// address or a prefix on each line; a # begins a comment. The file is read again when it changes, so an opt-out works while
// a crawl runs. It is safe for concurrent use.
type Exclusions struct {
	path  string
	log   *slog.Logger
	table atomic.Pointer[bart.Lite]
	look  atomic.Int64 // when the file is looked at next, Unix nanoseconds
	seen  version      // of the file; touched only by who moved look on
}

// How often the file is looked at, at most, while nobody calls Refresh.
const lookEvery = time.Second

// Refresh looks at the file now. Nil Exclusions have none.
func (x *Exclusions) Refresh() {
	if x != nil {
		x.refresh(time.Now(), lookEvery)
	}
}

// A version tells one content of a file from the next.
type version struct {
	modified time.Time
	size     int64
}

// LoadExclusions reads the file. An error names the line that is neither an address nor a prefix. log may be nil.
func LoadExclusions(path string, log *slog.Logger) (*Exclusions, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	x := &Exclusions{path: path, log: log}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read exclusions: %w", err)
	}
	if err := x.read(info); err != nil {
		return nil, err
	}
	x.look.Store(time.Now().Add(lookEvery).UnixNano())
	return x, nil
}

// Contains tells whether nothing may be sent to the address. Nil Exclusions contain nobody.
func (x *Exclusions) Contains(a netip.Addr) bool {
	if x == nil {
		return false
	}
	x.refresh(time.Now(), 0)
	return x.table.Load().Contains(a.Unmap().WithZone(""))
}

// refresh reads the file when it has changed, if it is time to look or will be so early. A new version that is missing or broken changes nothing and is logged once.
func (x *Exclusions) refresh(now time.Time, early time.Duration) {
	due := x.look.Load()
	if now.Add(early).UnixNano() < due || !x.look.CompareAndSwap(due, now.Add(time.Hour).UnixNano()) {
		return
	}
	defer func() { x.look.Store(now.Add(lookEvery).UnixNano()) }()
	info, err := os.Stat(x.path)
	if err != nil {
		if x.seen != (version{}) {
			x.seen = version{}
			x.log.Warn("exclusions cannot be read, the last ones stay in force", "err", err)
		}
		return
	}
	if x.seen == versionOf(info) {
		return
	}
	if err := x.read(info); err != nil {
		x.log.Warn("exclusions are broken, the last ones stay in force", "err", err)
		return
	}
	x.log.Info("exclusions read again", "n", x.table.Load().Size())
}

func versionOf(info fs.FileInfo) version {
	return version{modified: info.ModTime(), size: info.Size()}
}

func (x *Exclusions) read(info fs.FileInfo) error {
	x.seen = versionOf(info)
	content, err := os.ReadFile(x.path)
	if err != nil {
		return fmt.Errorf("read exclusions: %w", err)
	}
	t, err := parseExclusions(content)
	if err != nil {
		return fmt.Errorf("read exclusions: %s:%w", x.path, err)
	}
	x.table.Store(t)
	return nil
}

func parseExclusions(content []byte) (*bart.Lite, error) {
	t := new(bart.Lite)
	n := 0
	for line := range strings.Lines(string(content)) {
		n++
		text, _, _ := strings.Cut(line, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := parsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%d: %q is neither an address nor a prefix", n, text)
		}
		t.Insert(p)
	}
	return t, nil
}

// parsePrefix reads an address as the prefix that holds it alone. IPv4 that is mapped into IPv6 is taken as IPv4.
func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), err
	}
	p, err := netip.ParsePrefix(s)
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), err
}
