package bootstrap

import (
	"bufio"
	"io"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxReply = 64 << 10 // bytes of a reply that are read
	maxLine  = 2 << 10
)

// A Host is a servent that a cache names.
type Host struct {
	Addr   netip.AddrPort
	Age    time.Duration // since it was submitted; negative: not told
	Vendor string        // four letters; empty: not told
}

// A Reply is what a GWebCache answered, in the manner of version 1 or 2 or a mixture of both.
type Reply struct {
	Hosts     []Host
	Caches    []string      // addresses of other GWebCaches
	UDPCaches []string      // UDP host caches, as host:port
	Name      string        // name and version of the cache, of its pong
	Networks  []string      // networks that it says it serves
	Period    time.Duration // the least interval between two requests that it demands; 0: none
	Errors    []string      // lines that begin with ERROR, as sent
	Warnings  []string      // lines that hold a warning, as sent
	Unknown   int           // lines that are nothing of the above
}

// Useful tells whether the reply names anybody.
func (r *Reply) Useful() bool { return len(r.Hosts)+len(r.Caches)+len(r.UDPCaches) > 0 }

// ParseReply reads the reply of a GWebCache. Caches differ in what they send, so no line is an error: what cannot be read is
// counted as unknown, dummies (0.0.0.0, 1.1.1.1:7331) are dropped. At most 64 KiB are read.
func ParseReply(r io.Reader) (Reply, error) {
	var reply Reply
	lines := bufio.NewScanner(io.LimitReader(r, maxReply))
	lines.Buffer(make([]byte, 0, maxLine), maxReply+1)
	lines.Split(splitLines)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && len(line) <= maxLine {
			reply.take(line)
		}
	}
	return reply, lines.Err()
}

// splitLines ends a line at LF, CR or both.
func splitLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	for i, b := range data {
		if b == '\n' || b == '\r' {
			return i + 1, data[:i], nil
		}
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

func (r *Reply) take(line string) {
	columns := strings.Split(line, "|")
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
	}
	tag := strings.ToUpper(columns[0])
	switch {
	case len(columns) > 1 && tag == "H":
		r.addHost(columns[1:])
	case len(columns) > 1 && (tag == "U" || tag == "G"):
		r.addCache(columns[1])
	case len(columns) > 1 && tag == "C":
		r.addUDPCache(columns[1])
	case len(columns) > 1 && tag == "I":
		r.addInfo(columns[1:], line)
	case strings.HasPrefix(tag, "ERROR"):
		r.Errors = append(r.Errors, line)
	case strings.HasPrefix(tag, "WARNING"):
		r.Warnings = append(r.Warnings, line)
	case strings.HasPrefix(tag, "PONG "):
		r.Name = strings.TrimSpace(line[len("PONG "):])
	case strings.HasPrefix(tag, "HTTP://"), strings.HasPrefix(tag, "HTTPS://"):
		r.addCache(columns[0])
	default:
		r.addHost(columns) // version 1: a bare address
	}
}

func (r *Reply) addHost(columns []string) {
	addr, err := netip.ParseAddrPort(columns[0])
	if err != nil {
		r.Unknown++
		return
	}
	if dummy(addr) {
		return
	}
	h := Host{Addr: netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), Age: -1}
	if len(columns) > 1 {
		h.Age = seconds(columns[1], -1)
	}
	if len(columns) > 4 {
		h.Vendor = columns[4]
	}
	r.Hosts = append(r.Hosts, h)
}

// dummy tells whether the address is one that caches send when they have none.
func dummy(a netip.AddrPort) bool {
	return a.Port() == 0 || a.Addr().IsUnspecified() || a == netip.AddrPortFrom(netip.AddrFrom4([4]byte{1, 1, 1, 1}), 7331)
}

func (r *Reply) addCache(text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		r.Unknown++
		return
	}
	r.Caches = append(r.Caches, u.String())
}

func (r *Reply) addUDPCache(text string) {
	name := strings.TrimPrefix(text, "uhc:")
	host, port, found := strings.Cut(name, ":")
	if _, err := strconv.ParseUint(port, 10, 16); !found || host == "" || err != nil {
		r.Unknown++
		return
	}
	r.UDPCaches = append(r.UDPCaches, name)
}

// addInfo takes a line "I|…", columns without the tag.
func (r *Reply) addInfo(columns []string, line string) {
	at := func(i int) string {
		if i < len(columns) {
			return columns[i]
		}
		return ""
	}
	switch strings.ToLower(columns[0]) {
	case "pong":
		r.Name = at(1)
		r.addNetworks(strings.Split(at(2), "-")...)
	case "networks":
		r.addNetworks(columns[1:]...)
	case "support":
		r.addNetworks(at(1))
	case "access":
		if strings.EqualFold(at(1), "period") {
			r.Period = max(r.Period, seconds(at(2), 0))
		}
	case "update":
		switch {
		case strings.EqualFold(at(1), "period"):
			r.Period = max(r.Period, seconds(at(2), 0))
		case strings.Contains(strings.ToUpper(line), "ERROR"):
			r.Errors = append(r.Errors, line)
		case strings.Contains(strings.ToUpper(line), "WARNING"):
			r.Warnings = append(r.Warnings, line)
		}
	case "net-not-supported":
		r.Errors = append(r.Errors, line)
	}
}

func (r *Reply) addNetworks(names ...string) {
	for _, n := range names {
		if n != "" {
			r.Networks = append(r.Networks, strings.ToLower(n))
		}
	}
}

// seconds reads a count of seconds, at most some 68 years.
func seconds(text string, missing time.Duration) time.Duration {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return missing
	}
	return time.Duration(n) * time.Second
}
