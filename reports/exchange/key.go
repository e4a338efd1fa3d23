package exchange

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A Key decides what stands for an address. Whoever has it can undo the replacement, so it is no part of any export; whoever
// keeps it can make further exports in which the same hosts are replaced alike.
type Key [32]byte

// NewKey draws a key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k[:]) // it never fails
	return k
}

// LoadKey reads the key in a file, 64 hexadecimal digits. A file that is not there is made, readable by its owner alone,
// with a new key; made tells that.
func LoadKey(file string) (k Key, made bool, err error) {
	text, err := readKey(file)
	if errors.Is(err, fs.ErrNotExist) {
		k = NewKey()
		if err := writeKey(file, k); err != nil {
			return Key{}, false, fmt.Errorf("make key: %w", err)
		}
		return k, true, nil
	}
	if err != nil {
		return Key{}, false, fmt.Errorf("read key: %w", err)
	}
	text = bytes.TrimSpace(text)
	if len(text) != hex.EncodedLen(len(k)) {
		return Key{}, false, fmt.Errorf("read key: %s holds %d characters, want %d hexadecimal digits",
			file, len(text), hex.EncodedLen(len(k)))
	}
	if _, err := hex.Decode(k[:], text); err != nil {
		return Key{}, false, fmt.Errorf("read key: %s: %w", file, err)
	}
	return k, false, nil
}

// maxKeyFile is more than a file with a key holds, and less than fills the memory.
const maxKeyFile = 4096

func readKey(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxKeyFile))
}

func writeKey(file string, k Key) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, hex.EncodeToString(k[:]))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// derive gives a key for one purpose, from which nothing can be told of the others.
func (k Key) derive(purpose string) []byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}
