package link

import (
	"bytes"
	"compress/flate"
	"fmt"
	"sync"
)

// A deflater writes a zlib stream batch by batch, each ended by a sync flush and compressed by itself, without reference to
// the batches before. So it keeps nothing between batches: a compressor, which takes 1.2 MiB, is borrowed for each batch
// from a pool that all links share. The price is in size, where batches are small: of a session with a leaf that is 1713
// bytes inflated, one continuous stream makes 968 bytes and this makes 1524.
type deflater struct{ begun bool }

// zlibHeader declares a window of 32 KiB and the fastest compression.
const zlibHeader = "\x78\x01"

// A compressor and the buffer that it writes to.
type compressor struct {
	writer *flate.Writer
	out    bytes.Buffer
}

var compressors = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is one that the package has
	}
	return &compressor{writer: w}
}}

// batch deflates b.
func (d *deflater) batch(b []byte) ([]byte, error) {
	c := compressors.Get().(*compressor)
	defer compressors.Put(c)
	c.out.Reset()
	if !d.begun {
		d.begun = true
		c.out.WriteString(zlibHeader)
	}
	c.writer.Reset(&c.out)
	if _, err := c.writer.Write(b); err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	if err := c.writer.Flush(); err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	return bytes.Clone(c.out.Bytes()), nil
}
