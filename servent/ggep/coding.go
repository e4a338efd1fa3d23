package ggep

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// maxRun is the longest run of bytes that one COBS code covers.
const maxRun = 254

// encodeCOBS removes NUL bytes: each run up to a NUL becomes a code, its length plus one, and the run; code 0xFF is a run of
// 254 bytes with no NUL after it. A NUL is thought at the end. When the data end with a full run, the code of that thought
// NUL is left out, as gtk-gnutella does; LimeWire writes it, and both read either.
func encodeCOBS(data []byte) []byte {
	out := make([]byte, 0, len(data)+len(data)/maxRun+1)
	for {
		n := bytes.IndexByte(data, 0)
		run := n
		if run < 0 {
			run = len(data)
		}
		full := run >= maxRun
		if full {
			run = maxRun
		}
		out = append(out, byte(run+1))
		out = append(out, data[:run]...)
		data = data[run:]
		switch {
		case full && len(data) == 0:
			return out
		case full:
		case n < 0:
			return out
		default:
			data = data[1:]
		}
	}
}

// decodeCOBS undoes encodeCOBS, in both its forms. No data at all stand for no data.
func decodeCOBS(b []byte) ([]byte, error) {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		code := int(b[0])
		if code == 0 {
			return nil, fmt.Errorf("COBS code 0: %w", ErrMalformed)
		}
		if code > len(b) {
			return nil, fmt.Errorf("COBS run: %w", ErrMalformed)
		}
		out = append(out, b[1:code]...)
		b = b[code:]
		if code <= maxRun && len(b) > 0 {
			out = append(out, 0)
		}
	}
	return out, nil
}

// inflate reads a complete zlib stream of at most limit plain bytes.
func inflate(b []byte, limit int) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("open zlib stream: %w", ErrMalformed)
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	switch {
	case len(out) > limit:
		return nil, fmt.Errorf("inflate to more than %d bytes: %w", limit, ErrTooLong)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("inflate a stream that is cut off: %w", ErrMalformed)
	case err != nil:
		return nil, fmt.Errorf("inflate: %w", ErrMalformed)
	}
	return out, nil
}

// deflate writes b as one zlib stream.
func deflate(b []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, _ = w.Write(b) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}
