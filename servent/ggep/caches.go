package ggep

import (
	"net/netip"
	"strings"
)

// DefaultPort is the port of a UDP host cache that names none.
const DefaultPort = "6346"

// UDPHC makes the block that says in a PONG that its subject is a UDP host cache, by name when it has one; in a PING, that a
// servent asks one.
func UDPHC(name string) Block { return Block{ID: "UDPHC", Data: []byte(name)} }

// UDPHC tells whether the subject of a PONG is a UDP host cache, and its DNS name when it gives one.
func (x Blocks) UDPHC() (name string, ok bool) {
	b, ok := x.Get("UDPHC")
	return string(b.Data), ok
}

// PHC makes the block that lists other UDP host caches, "host" or "host:port", deflated.
func PHC(caches ...string) Block {
	return Block{ID: "PHC", Data: []byte(strings.Join(caches, "\n")), Deflate: true}
}

// PHC returns the UDP host caches that a PONG names, each as "host:port"; features that follow a name are left out.
func (x Blocks) PHC() []string {
	b, _ := x.Get("PHC")
	var caches []string
	for line := range strings.Lines(string(b.Data)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "&")
		if name == "" {
			continue
		}
		if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ":") {
			name = joinPort(name)
		}
		caches = append(caches, name)
	}
	return caches
}

// joinPort adds the default port to a name or a bare address.
func joinPort(name string) string {
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	return name + ":" + DefaultPort
}
