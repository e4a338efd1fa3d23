package library

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gnucensus/servent/internal/vicinity"
	"gnucensus/servent/urn"
)

// Limits of a mesh.
const (
	meshFiles  = 4096
	meshHosts  = 256 // of one file
	meshLife   = 12 * time.Hour
	deadLife   = 2 * time.Hour // how long a dead location is not taken up again
	deadReport = 3             // hosts that must say so
)

// A Mesh knows where else files are to be had ("alternate locations"). All of it is hearsay, for nobody who tells a location is
// asked for proof. An address of this machine or of a private network is taken from hosts of the same, and told to such, alone:
// elsewhere it is that of somebody else. A mesh is bounded, safe for concurrent use, and forgets what it has not heard again for
// half a day. Its zero value knows nothing, and a nil one learns nothing.
type Mesh struct {
	mu    sync.Mutex
	files map[urn.SHA1]map[netip.AddrPort]*location
}

// A location is a host that has a file, or had.
type location struct {
	heard time.Time
	dead  map[netip.Addr]struct{} // who said that it has not
}

// Add takes up that a host has a file, as somebody says.
func (m *Mesh) Add(file urn.SHA1, host netip.AddrPort, said netip.Addr) {
	if m == nil || host.Port() == 0 || !vicinity.Tellable(host.Addr(), said) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	hosts := m.files[file]
	expire(hosts, now)
	if l := hosts[host]; l != nil {
		if len(l.dead) < deadReport {
			l.heard, l.dead = now, nil
		}
		return
	}
	if hosts == nil {
		if m.files == nil {
			m.files = make(map[urn.SHA1]map[netip.AddrPort]*location)
		}
		if len(m.files) >= meshFiles && !m.expire(now) {
			return
		}
		hosts = make(map[netip.AddrPort]*location)
		m.files[file] = hosts
	}
	if len(hosts) < meshHosts {
		hosts[host] = &location{heard: now}
	}
}

// Dead takes up that somebody did not get the file from that host. When enough have said so, it is no longer named.
func (m *Mesh) Dead(file urn.SHA1, host netip.AddrPort, said netip.Addr) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.files[file][host]
	if l == nil || len(l.dead) >= deadReport {
		return
	}
	if l.dead == nil {
		l.dead = make(map[netip.Addr]struct{})
	}
	l.dead[said] = struct{}{}
	if len(l.dead) == deadReport {
		l.heard = time.Now()
	}
}

// Find returns at most n hosts that have a file, those last heard of first, to be told to somebody.
func (m *Mesh) Find(file urn.SHA1, to netip.Addr, n int) []netip.AddrPort {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	hosts := m.files[file]
	expire(hosts, now)
	var found []netip.AddrPort
	for host, l := range hosts {
		if len(l.dead) < deadReport && vicinity.Tellable(host.Addr(), to) {
			found = append(found, host)
		}
	}
	slices.SortFunc(found, func(a, b netip.AddrPort) int {
		return cmp.Or(hosts[b].heard.Compare(hosts[a].heard), a.Compare(b))
	})
	return found[:min(n, len(found))]
}

// expire makes room in a full mesh, and tells whether there is any.
func (m *Mesh) expire(now time.Time) bool {
	for file, hosts := range m.files {
		if expire(hosts, now); len(hosts) == 0 {
			delete(m.files, file)
		}
	}
	return len(m.files) < meshFiles
}

func expire(hosts map[netip.AddrPort]*location, now time.Time) {
	for host, l := range hosts {
		life := meshLife
		if len(l.dead) >= deadReport {
			life = deadLife
		}
		if now.Sub(l.heard) > life {
			delete(hosts, host)
		}
	}
}
