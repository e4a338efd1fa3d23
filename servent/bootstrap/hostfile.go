package bootstrap

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// MaxKnown is the number of hosts that a [HostFile] keeps: those seen alive last.
const MaxKnown = 2000

// A HostFile is a node's memory of hosts between runs: the address of each and when it was last seen alive. It is safe for
// concurrent use.
type HostFile struct {
	path string

	mu    sync.Mutex
	alive map[netip.AddrPort]time.Time
}

// OpenHostFile reads the file, which need not exist yet. A line holds an address and a time in RFC 3339 form; a line that
// cannot be read is an error that names it, and nothing is overwritten then.
func OpenHostFile(path string) (*HostFile, error) {
	h := &HostFile{path: path, alive: map[netip.AddrPort]time.Time{}}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open host file: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		address, when, _ := strings.Cut(text, " ")
		addr, err1 := netip.ParseAddrPort(address)
		at, err2 := time.Parse(time.RFC3339, strings.TrimSpace(when))
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("host file %s, line %d: want an address and a time: %w", path, n, err)
		}
		h.alive[addr] = at
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read host file %s: %w", path, err)
	}
	return h, nil
}

// Saw notes that a host was alive at a time. Of many hosts those seen last are kept.
func (h *HostFile) Saw(addr netip.AddrPort, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at.After(h.alive[addr]) {
		h.alive[addr] = at
	}
	if len(h.alive) > 2*MaxKnown { // now and then, so that it costs little
		h.trim()
	}
}

// Forget drops a host that is there no more.
func (h *HostFile) Forget(addr netip.AddrPort) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.alive, addr)
}

// Hosts returns the hosts, the one seen last first, at most [MaxKnown].
func (h *HostFile) Hosts() []netip.AddrPort {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trim()
}

func (h *HostFile) trim() []netip.AddrPort {
	hosts := make([]netip.AddrPort, 0, len(h.alive))
	for addr := range h.alive {
		hosts = append(hosts, addr)
	}
	slices.SortFunc(hosts, func(a, b netip.AddrPort) int {
		if c := h.alive[b].Compare(h.alive[a]); c != 0 {
			return c
		}
		return a.Compare(b)
	})
	if len(hosts) > MaxKnown {
		for _, addr := range hosts[MaxKnown:] {
			delete(h.alive, addr)
		}
		hosts = hosts[:MaxKnown]
	}
	return hosts
}

// Save writes the file anew and puts it in the old one's place only when it is whole.
func (h *HostFile) Save() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := os.CreateTemp(filepath.Dir(h.path), filepath.Base(h.path)+".*")
	if err != nil {
		return fmt.Errorf("save host file: %w", err)
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "# hosts of the Gnutella network: address, last seen alive")
	for _, addr := range h.trim() {
		fmt.Fprintln(w, addr, h.alive[addr].UTC().Format(time.RFC3339))
	}
	if err := errors.Join(w.Flush(), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("save host file %s: %w", h.path, err)
	}
	if err := os.Rename(f.Name(), h.path); err != nil {
		return fmt.Errorf("save host file: %w", err)
	}
	return nil
}
