package bootstrap

import (
	"fmt"
	"net/netip"
	"slices"
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
	err := readDated(path, func(name string, at time.Time) error {
		addr, err := netip.ParseAddrPort(name)
		h.alive[addr] = at
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open host file: %w", err)
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
	hosts := h.trim()
	err := writeDated(h.path, "hosts of the Gnutella network: address, last seen alive", func(yield func(string, time.Time) bool) {
		for _, addr := range hosts {
			if !yield(addr.String(), h.alive[addr]) {
				return
			}
		}
	})
	if err != nil {
		return fmt.Errorf("save host file: %w", err)
	}
	return nil
}
