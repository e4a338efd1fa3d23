package spool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gnucensus/probe"
)

const (
	magic      = "gnucensus spool 1\n"
	recordHead = 8       // bytes before the payload of a record
	maxRecord  = 1 << 30 // bytes of a payload: what is longer was not written by us
)

var checksums = crc32.MakeTable(crc32.Castagnoli)

// errFull says that a batch has no room in the file.
var errFull = errors.New("the spool is full")

// A batch is observations that belong together. The snapshot held After of them before: where it holds more, it has the
// batch.
type batch struct {
	After        int64               `json:"after"`
	Observations []probe.Observation `json:"observations"`
}

// A file is a spool on disk. One process at a time has it open.
type file struct {
	*os.File
	size         int64 // of what is whole
	batches      int
	observations int
}

// open opens the spool of that name. What a crash has left of a record at the end is cut off. Without make, the error is
// [fs.ErrNotExist] where there is none.
func open(path string, make bool) (_ *file, err error) {
	flags := os.O_RDWR | syscall.O_NOFOLLOW
	if make {
		if err := makeFolder(filepath.Dir(path)); err != nil {
			return nil, err
		}
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("lock %s, which another process may have open: %w", path, err)
	}
	s := &file{File: f}
	if err := s.begin(); err != nil {
		return nil, err
	}
	return s, s.each(func(b batch) error {
		s.batches++
		s.observations += len(b.Observations)
		return nil
	})
}

// makeFolder makes the folder of spools, which is for nobody else, and those above it.
func makeFolder(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// begin reads the magic, and writes it into a file that has none: an empty one, or one whose writer did not get further.
func (s *file) begin() error {
	head := make([]byte, len(magic))
	n, err := s.ReadAt(head, 0)
	switch {
	case err != nil && err != io.EOF:
		return err
	case string(head) == magic:
		s.size = int64(len(magic))
		return nil
	case !strings.HasPrefix(magic, string(head[:n])):
		return fmt.Errorf("read %s: it is no spool", s.Name())
	}
	return s.write([]byte(magic))
}

// write adds bytes to the end. When it returns nil, they are on disk; after an error the file is as it was before.
func (s *file) write(b []byte) error {
	_, err := s.WriteAt(b, s.size)
	if err == nil {
		err = s.Sync()
	}
	if err == nil && s.size == 0 {
		err = syncFolder(filepath.Dir(s.Name()))
	}
	if err != nil {
		return errors.Join(err, s.Truncate(s.size))
	}
	s.size += int64(len(b))
	return nil
}

// syncFolder sees to it that a file which was made in a folder is still there after a loss of power.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// add adds a batch, unless the file would become longer than limit. When it returns nil, the batch is on disk.
func (s *file) add(b batch, limit int64) error {
	b.Observations = valid(b.Observations)
	payload, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if s.size+recordHead+int64(len(payload)) > limit || len(payload) > maxRecord {
		return errFull
	}
	record := binary.LittleEndian.AppendUint32(make([]byte, 0, recordHead+len(payload)), uint32(len(payload)))
	record = binary.LittleEndian.AppendUint32(record, crc32.Checksum(payload, checksums))
	if err := s.write(append(record, payload...)); err != nil {
		return err
	}
	s.batches++
	s.observations += len(b.Observations)
	return nil
}

// each reads all batches in their order. A record that is not whole ends the file: it was being written when the power
// failed, so nobody was told that it is kept.
func (s *file) each(take func(batch) error) error {
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	at := int64(len(magic))
	head := make([]byte, recordHead)
	for at+recordHead <= end {
		if _, err := s.ReadAt(head, at); err != nil {
			return err
		}
		size := int64(binary.LittleEndian.Uint32(head))
		if size == 0 || size > maxRecord || at+recordHead+size > end { // a file system may leave zeros
			break
		}
		payload := make([]byte, size)
		if _, err := s.ReadAt(payload, at+recordHead); err != nil {
			return err
		}
		if crc32.Checksum(payload, checksums) != binary.LittleEndian.Uint32(head[4:]) {
			break
		}
		var b batch
		if err := json.Unmarshal(payload, &b); err != nil {
			return fmt.Errorf("read batch at %d of %s: %w", at, s.Name(), err)
		}
		if err := take(b); err != nil {
			return err
		}
		at += recordHead + size
	}
	s.size = at
	if at < end {
		return s.Truncate(at)
	}
	return nil
}

// Close closes the file. It gives up the lock by itself, since a child process that is just beginning holds the file open too.
func (s *file) Close() error {
	return errors.Join(syscall.Flock(int(s.Fd()), syscall.LOCK_UN), s.File.Close())
}

// remove closes the file and deletes it.
func (s *file) remove() error { return errors.Join(os.Remove(s.Name()), s.Close()) }

// valid replaces what JSON cannot hold in texts, by what the database would replace it.
func valid(obs []probe.Observation) []probe.Observation {
	all := make([]probe.Observation, len(obs))
	for i, o := range obs {
		o.Detail, o.Agent, o.Query = utf8(o.Detail), utf8(o.Agent), utf8(o.Query)
		if o.Fields != nil {
			fields := make(map[string]string, len(o.Fields))
			for name, value := range o.Fields {
				fields[utf8(name)] = utf8(value)
			}
			o.Fields = fields
		}
		if o.Hits != nil {
			hits := make([]probe.Hit, len(o.Hits))
			for j, h := range o.Hits {
				h.Vendor = utf8(h.Vendor)
				hits[j] = h
			}
			o.Hits = hits
		}
		all[i] = o
	}
	return all
}

func utf8(text string) string { return strings.ToValidUTF8(text, "\ufffd") }
