package library

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"syscall"

	"gnucensus/servent/urn"
)

// A cache keeps the hashes of files between runs. Its file begins with cacheHead, and is only ever appended to, one record
// after another; of two records of one path the later one counts:
//
//	0   4   length n of the content
//	4   4   CRC-32C of the content
//	8   n   content
//
// Numbers are little-endian. The content:
//
//	0   8   size of the file in bytes
//	8   8   time of its last change, nanoseconds since 1970
//	16  20  SHA1
//	36  24  root of the Tiger tree
//	60  8   bytes that a node of the row covers
//	68  4   nodes m in the row
//	72  24m the row
//	…   …   path
//
// What a killed process left of a record ends the file: it is cut off when the cache is opened. Only one process has a cache
// open at a time.
type cache struct {
	file    *os.File
	records map[uint64]int64 // where the record of a path's key is
	keys    keys
	end     int64 // of the file
	count   int   // records in it, those that a later one replaces among them
}

const (
	cacheHead   = "gnucensus hashes 1\n"
	recordHead  = 8
	recordFixed = 72
	maxRecord   = 1 << 20 // bytes of content
)

// ErrInUse says that another process has the cache open.
var ErrInUse = errors.New("in use by another process")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// keys makes keys of paths. Two paths with one key are as good as impossible, and nobody outside can find them.
type keys struct{ seed maphash.Seed }

func newKeys() keys { return keys{maphash.MakeSeed()} }

func (k keys) of(path string) uint64 { return maphash.String(k.seed, path) }

// A record is the hashes of a file as it was.
type record struct {
	path     string
	size     uint64
	modified int64
	sha1     urn.SHA1
	root     urn.Tiger
	tree     *urn.Tree
}

func (r *record) append(b []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, recordHead)...)
	b = binary.LittleEndian.AppendUint64(b, r.size)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.modified))
	b = append(b, r.sha1[:]...)
	b = append(b, r.root[:]...)
	b = binary.LittleEndian.AppendUint64(b, r.tree.Segment)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.tree.Row)))
	for _, node := range r.tree.Row {
		b = append(b, node[:]...)
	}
	b = append(b, r.path...)
	content := b[start+recordHead:]
	binary.LittleEndian.PutUint32(b[start:], uint32(len(content)))
	binary.LittleEndian.PutUint32(b[start+4:], crc32.Checksum(content, castagnoli))
	return b
}

// parseRecord reads a content, and tells whether it is one.
func parseRecord(b []byte) (record, bool) {
	if len(b) < recordFixed {
		return record{}, false
	}
	nodes := uint64(binary.LittleEndian.Uint32(b[68:]))
	if nodes == 0 || nodes*uint64(len(urn.Tiger{})) > uint64(len(b)-recordFixed) {
		return record{}, false
	}
	r := record{
		size: binary.LittleEndian.Uint64(b), modified: int64(binary.LittleEndian.Uint64(b[8:])),
		sha1: urn.SHA1(b[16:36]), root: urn.Tiger(b[36:60]),
	}
	r.tree = &urn.Tree{Size: r.size, Segment: binary.LittleEndian.Uint64(b[60:]), Row: make([]urn.Tiger, nodes)}
	b = b[recordFixed:]
	for i := range r.tree.Row {
		b = b[copy(r.tree.Row[i][:], b):]
	}
	r.path = string(b)
	return r, true
}

// openCache opens the cache in a file, which it makes when there is none; without a name, in one that goes with the process.
func openCache(name string, k keys) (*cache, error) {
	var f *os.File
	var err error
	if name != "" {
		f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	} else if f, err = os.CreateTemp("", "gnucensus-hashes-*"); err == nil {
		err = os.Remove(f.Name())
	}
	if err != nil {
		return nil, err // it names the operation and the file
	}
	c := &cache{file: f, keys: k}
	if err := c.load(); err != nil {
		f.Close()
		return nil, err
	}
	return c, nil
}

// load takes the file for this process and notes where the records are.
func (c *cache) load() error {
	if err := syscall.Flock(int(c.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	} else if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	c.records = make(map[uint64]int64)
	r := bufio.NewReaderSize(c.file, 1<<20)
	head := make([]byte, len(cacheHead))
	switch n, err := io.ReadFull(r, head); {
	case n == 0:
		_, err := c.file.WriteAt([]byte(cacheHead), 0)
		c.end = int64(len(cacheHead))
		return err
	case err != nil || string(head) != cacheHead:
		return errors.New("not a file of hashes")
	}
	c.end = int64(len(cacheHead))
	for {
		content, err := readRecord(r)
		if err != nil {
			break
		}
		if rec, ok := parseRecord(content); ok {
			c.records[c.keys.of(rec.path)] = c.end
		}
		c.count++
		c.end += int64(recordHead + len(content))
	}
	return c.file.Truncate(c.end)
}

// readRecord reads the content of the next record. An error is the end of those that are whole.
func readRecord(r io.Reader) ([]byte, error) {
	var head [recordHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > maxRecord {
		return nil, io.ErrUnexpectedEOF
	}
	content := make([]byte, n)
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, err
	}
	if crc32.Checksum(content, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, io.ErrUnexpectedEOF
	}
	return content, nil
}

// at reads the record at an offset.
func (c *cache) at(offset int64) (record, error) {
	content, err := readRecord(io.NewSectionReader(c.file, offset, recordHead+maxRecord))
	if err != nil {
		return record{}, fmt.Errorf("read hashes: %w", err)
	}
	r, ok := parseRecord(content)
	if !ok {
		return record{}, errors.New("read hashes: malformed")
	}
	return r, nil
}

// find returns the hashes of a file that has not changed since, and where they are.
func (c *cache) find(path string, size uint64, modified int64) (record, int64, bool) {
	offset, ok := c.records[c.keys.of(path)]
	if !ok {
		return record{}, 0, false
	}
	r, err := c.at(offset)
	if err != nil || r.path != path || r.size != size || r.modified != modified {
		return record{}, 0, false
	}
	return r, offset, true
}

// add appends a record and returns where it is.
func (c *cache) add(r *record) (int64, error) {
	b := r.append(nil)
	if _, err := c.file.WriteAt(b, c.end); err != nil {
		return 0, fmt.Errorf("keep hashes: %w", err)
	}
	offset := c.end
	c.count++
	c.end += int64(len(b))
	c.records[c.keys.of(r.path)] = offset
	return offset, nil
}

// compact writes a new file of the records at the given offsets alone, which then takes the place of the one of that name, and
// returns their new offsets. The old cache stays open, and valid for who reads it.
func (c *cache) compact(name string, offsets []int64) (*cache, []int64, error) {
	temporary := name + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	fresh, err := openCache(temporary, c.keys)
	if err != nil {
		return nil, nil, err
	}
	moved := slices.Clone(offsets)
	out := bufio.NewWriterSize(io.NewOffsetWriter(fresh.file, fresh.end), 1<<20)
	for i, offset := range offsets {
		r, err := c.at(offset)
		if err == nil {
			moved[i] = fresh.end
			fresh.records[fresh.keys.of(r.path)] = fresh.end
			var n int
			n, err = out.Write(r.append(nil))
			fresh.end += int64(n)
			fresh.count++
		}
		if err != nil {
			fresh.close()
			return nil, nil, err
		}
	}
	if err = out.Flush(); err == nil {
		err = os.Rename(temporary, name)
	}
	if err != nil {
		fresh.close()
		return nil, nil, err
	}
	return fresh, moved, nil
}

func (c *cache) close() error { return c.file.Close() }
