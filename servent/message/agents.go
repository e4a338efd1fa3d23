package message

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"strings"
	"sync"
)

// A Packing is how a servent packs the agents of a crawler pong.
type Packing uint8

const (
	// PackLime is LimeWire's: length, then a gzip stream of length and text, lengths in two bytes. Only the semicolon is
	// escaped.
	PackLime Packing = iota
	// PackGTKG is gtk-gnutella's: a zlib stream of the text. Semicolon and backslash are escaped.
	PackGTKG
)

// maxAgents is the longest text of agents in bytes: LimeWire's length has room for no more.
const maxAgents = 1<<16 - 1

// zlibMagic is the first byte of a zlib stream with the usual window; gzipMagic are the first two of a gzip stream.
const (
	zlibMagic = 0x78
	gzipMagic = 0x8b1f
)

// A packer is what the writers of gzip and zlib have in common.
type packer interface {
	io.WriteCloser
	Reset(io.Writer)
}

// packers hold writers of each packing between crawler pongs: a new one takes more than 800 KiB.
var packers = [...]sync.Pool{
	PackLime: {New: func() any { return gzip.NewWriter(nil) }},
	PackGTKG: {New: func() any { return zlib.NewWriter(nil) }},
}

// PackAgents returns the agents of the entries, in their order, and the host's own, to be the tail of a crawler pong. It
// returns nil when they are too long to be packed: servents leave them out then.
func PackAgents(packing Packing, entries []string, own string) []byte {
	escape := strings.NewReplacer(";", `\;`)
	if packing == PackGTKG {
		escape = strings.NewReplacer(";", `\;`, `\`, `\\`)
	}
	var text strings.Builder
	for _, agent := range entries {
		text.WriteString(escape.Replace(agent))
		text.WriteByte(';')
	}
	text.WriteString(escape.Replace(own))
	if text.Len() > maxAgents {
		return nil
	}

	var packed bytes.Buffer
	w := packers[packing].Get().(packer)
	defer packers[packing].Put(w)
	if packing == PackLime {
		packed.Write([]byte{0, 0}) // the length, to be filled in
	}
	w.Reset(&packed)
	if packing == PackLime {
		_ = binary.Write(w, binary.LittleEndian, uint16(text.Len())) // a bytes.Buffer takes everything
	}
	_, _ = io.WriteString(w, text.String())
	_ = w.Close()
	out := packed.Bytes()
	if packing == PackLime {
		binary.LittleEndian.PutUint16(out, uint16(len(out)-2))
	}
	return out
}

// Agents returns the software of the entries, ultrapeers first, one for each, and the host's own. Agents that were not sent
// are empty. The error is [ErrMalformed], [ErrTruncated] or [ErrTooLong] when there are agents that cannot be read.
func (p *CrawlerPong) Agents() (entries []string, own string, err error) {
	entries = make([]string, len(p.Ultrapeers)+len(p.Leaves))
	if p.Features&FeatureAgents == 0 || len(p.Tail) == 0 {
		return entries, "", nil
	}
	text, packing, err := unpackAgents(p.Tail)
	if err != nil {
		return entries, "", &Error{Type: TypeVendor, Field: "agents", Err: err}
	}
	agents := splitAgents(text, packing)
	last := len(agents) - 1
	copy(entries, agents[:last])
	return entries, agents[last], nil
}

// Agent returns the host's own software as Agents does, at less cost.
func (p *CrawlerPong) Agent() (own string, err error) {
	if p.Features&FeatureAgents == 0 || len(p.Tail) == 0 {
		return "", nil
	}
	text, packing, err := unpackAgents(p.Tail)
	if err != nil {
		return "", &Error{Type: TypeVendor, Field: "agents", Err: err}
	}
	begin := 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == ';':
			begin = i + 1
		case escapes(text[i:], packing):
			i++
		}
	}
	return splitAgents(text[begin:], packing)[0], nil
}

// gunzippers hold readers of LimeWire's packing between crawler pongs: a new one takes 40 KiB.
var gunzippers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// unpackAgents inflates agents in either packing.
func unpackAgents(b []byte) (text string, packing Packing, err error) {
	if len(b) >= 4 && binary.LittleEndian.Uint16(b[2:]) == gzipMagic {
		n := int(binary.LittleEndian.Uint16(b))
		if n > len(b)-2 {
			return "", PackLime, ErrTruncated
		}
		r := gunzippers.Get().(*gzip.Reader)
		defer gunzippers.Put(r)
		if err := r.Reset(bytes.NewReader(b[2 : 2+n])); err != nil {
			return "", PackLime, ErrMalformed
		}
		plain, err := readAll(r, maxAgents+2)
		switch {
		case err != nil:
			return "", PackLime, err
		case len(plain) < 2:
			return "", PackLime, ErrTruncated
		}
		n = int(binary.LittleEndian.Uint16(plain))
		return string(plain[2:][:min(n, len(plain)-2)]), PackLime, nil
	}
	if b[0] != zlibMagic {
		return "", PackGTKG, ErrMalformed
	}
	plain, err := inflate(b, maxAgents)
	return string(plain), PackGTKG, err
}

// escapes tells whether the text begins with a backslash that escapes the character after it.
func escapes(text string, packing Packing) bool {
	return len(text) > 1 && text[0] == '\\' && (text[1] == ';' || text[1] == '\\' && packing == PackGTKG)
}

// splitAgents splits at semicolons and undoes the escapes; there is at least one agent, be it empty. A backslash that
// escapes nothing stands for itself.
func splitAgents(text string, packing Packing) []string {
	var agents []string
	var agent strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ';':
			agents = append(agents, agent.String())
			agent.Reset()
		case escapes(text[i:], packing):
			i++
			agent.WriteByte(text[i])
		default:
			agent.WriteByte(c)
		}
	}
	return append(agents, agent.String())
}
