package link

import (
	"bytes"
	"compress/flate"
	"fmt"
	"sync"
)

// A deflater writes a zlib stream batch by batch, each ended by a sync flush and compressed by itself, without reference to the
// batches before. So it needs no memory between batches: the compressor, of several hundred KiB, is borrowed for a batch from a
// pool that all links share. What that costs in size is little, since most of a batch is random GUIDs and fresh addresses.
type deflater struct{ begun bool }

// zlibHeader declares a window of 32 KiB and the fastest compression.
const zlibHeader = "\x78\x01"

var compressors = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is one that the package has
	}
	return w
}}

// batch deflates b.
func (d *deflater) batch(b []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(b)/2 + 64)
	if !d.begun {
		d.begun = true
		out.WriteString(zlibHeader)
	}
	w := compressors.Get().(*flate.Writer)
	defer compressors.Put(w)
	w.Reset(&out)
	if _, err := w.Write(b); err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	if err := w.Flush(); err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	return out.Bytes(), nil
}
