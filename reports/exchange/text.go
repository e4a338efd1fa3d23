package exchange

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// contactMark stands for an e-mail address or a web page in a text.
const contactMark = "[contact]"

// contact finds them: crawlers name their operators in their agents.
var contact = regexp.MustCompile(`(?i)(?:https?://|mailto:)[^\s<>()",;]+|[a-z0-9._%+-]+@[a-z0-9.-]+`)

// text replaces all addresses inside a text, with their ports, and takes out who can be contacted. It errs on the side of
// replacing: whatever can be read as an address is one, even in the middle of a word.
func (r *replacer) text(s string) string {
	s = contact.ReplaceAllString(s, contactMark)
	var b strings.Builder
	for i := 0; i < len(s); {
		address, n := addressAt(s, i)
		if n == 0 {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteString(r.pan.replace(address).String())
		i += n
		if between, port, n := portAt(s[i:]); n > 0 {
			b.WriteString(between + strconv.Itoa(int(r.ports[port])))
			i += n
		}
	}
	return b.String()
}

// version finds a version of four numbers that follows the name of a product, as in "Shareaza 2.7.10.2".
var version = regexp.MustCompile(`^([A-Za-z][\w -]*[ /]v?)(\d+\.\d+\.\d+\.\d+)(?:[^\d.:]|$)`)

// agent is text for the name of software, which may hold a version that looks like an address. It is kept, unless the census
// has met a host of that address.
func (r *replacer) agent(s string) string {
	m := version.FindStringSubmatchIndex(s)
	if m == nil {
		return r.text(s)
	}
	number := s[m[4]:m[5]]
	address, n := addressAt(number, 0)
	if _, known := r.known[address]; known || n != len(number) {
		return r.text(s)
	}
	return r.text(s[:m[4]]) + number + r.text(s[m[5]:])
}

// addressAt returns the address that begins at a place of a text, and its length there; 0 if none does.
func addressAt(s string, i int) (netip.Addr, int) {
	run := i
	colons := 0
	for ; run < len(s) && run-i < len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") && isAddress(s[run]); run++ {
		if s[run] == ':' {
			colons++
		}
	}
	for end := run; colons >= 2 && end > i; end-- {
		if a, err := netip.ParseAddr(s[i:end]); err == nil && a.Is6() {
			return a, end - i
		}
	}
	return quadAt(s, i)
}

func isAddress(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' || c == ':' || c == '.'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// quadAt reads an IPv4 address: four numbers up to 255 between dots or, as in the names of hosts, dashes. Numbers between
// dashes are more often a date, so they must not be a part of something longer.
func quadAt(s string, i int) (netip.Addr, int) {
	var quad [4]byte
	var separator byte
	at := i
	for k := range quad {
		if k > 0 {
			if at == len(s) || s[at] != '.' && s[at] != '-' || k > 1 && s[at] != separator {
				return netip.Addr{}, 0
			}
			separator = s[at]
			at++
		}
		number, digits := 0, 0
		for at < len(s) && digits < 3 && isDigit(s[at]) && number*10+int(s[at]-'0') <= 255 {
			number = number*10 + int(s[at]-'0')
			at++
			digits++
		}
		if digits == 0 {
			return netip.Addr{}, 0
		}
		quad[k] = byte(number)
	}
	if separator == '-' && (i > 0 && isDigit(s[i-1]) || at < len(s) && isDigit(s[at])) {
		return netip.Addr{}, 0
	}
	return netip.AddrFrom4(quad), at - i
}

// portAt reads the port after an address, and what stands between the two; n is the length of both, 0 if there is no port.
func portAt(s string) (between string, port uint16, n int) {
	for _, between := range []string{":", "]:"} {
		rest, found := strings.CutPrefix(s, between)
		if !found {
			continue
		}
		digits := 0
		for digits < len(rest) && isDigit(rest[digits]) {
			digits++
		}
		if port, err := strconv.ParseUint(rest[:digits], 10, 16); err == nil {
			return between, uint16(port), len(between) + digits
		}
	}
	return "", 0, 0
}
