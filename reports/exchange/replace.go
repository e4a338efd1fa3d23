package exchange

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
)

// The ports that are registered for Gnutella, and 0, which stands for none, tell nothing of a host and are kept.
var keptPorts = []uint16{0, 6346, 6347}

// A replacer puts something else in the place of all that tells which host was met: the same under the same key, and
// different for different hosts, so that what can be computed from an export is what could be computed from the census.
type replacer struct {
	pan   *cryptoPAn
	guid  cipher.Block
	ports [1 << 16]uint16
	name  []byte                  // key
	known map[netip.Addr]struct{} // the IPv4 addresses of the census
}

func newReplacer(k Key) *replacer {
	r := &replacer{
		pan:   newCryptoPAn(k),
		guid:  newAES(k.derive("guid")[:16]),
		name:  k.derive("name"),
		known: map[netip.Addr]struct{}{},
	}
	swap := newAES(k.derive("port")[:16])
	kept := map[uint16]bool{}
	for _, port := range keptPorts {
		kept[port] = true
	}
	for i := range r.ports {
		port := uint16(i)
		for first := true; !kept[uint16(i)] && (first || kept[port]); first = false {
			port = permute(swap, port)
		}
		r.ports[i] = port
	}
	return r
}

// permute is a permutation of 16 bits that the cipher chooses: a Feistel network of ten rounds.
func permute(block cipher.Block, x uint16) uint16 {
	left, right := byte(x>>8), byte(x)
	var b [aes.BlockSize]byte
	for round := range byte(10) {
		b = [aes.BlockSize]byte{round, right}
		block.Encrypt(b[:], b[:])
		left, right = right, left^b[0]
	}
	return uint16(left)<<8 | uint16(right)
}

// know tells of an address of the census, for [replacer.agent].
func (r *replacer) know(a netip.Addr) {
	if a = a.Unmap(); a.Is4() {
		r.known[a] = struct{}{}
	}
}

// value replaces a value of a column. A nil replacer keeps everything.
func (r *replacer) value(k kind, v any) (any, error) {
	if r == nil || v == nil {
		return v, nil
	}
	switch v := v.(type) {
	case int64:
		if k == portKind {
			return int64(r.ports[uint16(v)]), nil
		}
	case string:
		return r.string(k, v)
	}
	return v, nil
}

func (r *replacer) string(k kind, s string) (string, error) {
	switch k {
	case addressKind:
		a, err := netip.ParseAddr(s)
		if err != nil {
			return "", err
		}
		return r.pan.replace(a).String(), nil
	case guidKind:
		return r.servent(s)
	case nameKind:
		mac := hmac.New(sha256.New, r.name)
		mac.Write([]byte(s))
		return "host-" + hex.EncodeToString(mac.Sum(nil)[:8]), nil
	case textKind:
		return r.text(s), nil
	case agentKind:
		return r.agent(s), nil
	case jsonKind:
		return r.object(s)
	}
	return s, nil
}

// servent replaces the GUID of a servent: it stays the same for months, wherever the host is.
func (r *replacer) servent(text string) (string, error) {
	guid, err := parseGUID(text)
	if err != nil {
		return "", err
	}
	r.guid.Encrypt(guid[:], guid[:])
	return formatGUID(guid), nil
}

// object replaces what is inside the texts of a JSON object.
func (r *replacer) object(text string) (string, error) {
	var fields map[string]string
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return "", fmt.Errorf("read fields: %w", err)
	}
	replaced := make(map[string]string, len(fields))
	for name, value := range fields {
		replaced[r.text(name)] = r.text(value)
	}
	b, err := json.Marshal(replaced)
	return string(b), err
}

// configuration replaces what is inside the texts of a configuration, however deep. Of a path only the name of the file is
// kept: the rest may name its owner.
func (r *replacer) configuration(v any) any {
	switch v := v.(type) {
	case string:
		if filepath.IsAbs(v) {
			v = filepath.Base(v)
		}
		return r.text(v)
	case []any:
		for i := range v {
			v[i] = r.configuration(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = r.configuration(v[name])
		}
	}
	return v
}
