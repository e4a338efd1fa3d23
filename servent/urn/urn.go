// Package urn reads and writes the names by which Gnutella identifies files (HUGE, "Hash/URN Gnutella Extensions"):
//
//	urn:sha1:<32 characters>                        SHA1 of the file
//	urn:bitprint:<32 characters>.<39 characters>    SHA1 and the root of its Tiger tree
//	urn:tree:tiger:<39 characters>                  the root of its Tiger tree alone
//
// Characters are those of base 32, A to Z and 2 to 7, without padding. Names are read in any case and in the spellings
// urn:tree:tiger/: and urn:ttroot: too, and written as above.
//
// It computes the hashes as well: a [Hasher] both in one pass, a [TreeHasher] the Tiger tree alone. A [Tree] keeps the upper
// rows, by which parts of a file can be verified.
package urn

import (
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// ErrMalformed says that a name is none of those that this package knows, or has a hash that cannot be read.
var ErrMalformed = errors.New("malformed URN")

// SHA1 is the SHA1 of a file.
type SHA1 [20]byte

// Tiger is the root of the Tiger tree of a file.
type Tiger [24]byte

// String returns 32 characters of base 32.
func (h SHA1) String() string { return Base32.EncodeToString(h[:]) }

// String returns 39 characters of base 32.
func (h Tiger) String() string { return Base32.EncodeToString(h[:]) }

// Base32 is the encoding of all hashes and GUIDs in text.
var Base32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// Prefixes of the names.
const (
	prefixSHA1     = "urn:sha1:"
	prefixBitprint = "urn:bitprint:"
	prefixTiger    = "urn:tree:tiger:"
)

// tigerPrefixes are the spellings of the third name.
var tigerPrefixes = []string{prefixTiger, "urn:tree:tiger/:", "urn:ttroot:"}

// A URN names a file by one hash or by two; a nil hash is not known. A URN without any is not valid.
type URN struct {
	SHA1  *SHA1
	Tiger *Tiger
}

// Parse reads a name.
func Parse(name string) (URN, error) {
	var u URN
	var err error
	if rest, ok := cutPrefix(name, prefixSHA1); ok {
		u.SHA1 = new(SHA1)
		err = decode(u.SHA1[:], rest)
	} else if rest, ok := cutPrefix(name, prefixBitprint); ok {
		u.SHA1, u.Tiger = new(SHA1), new(Tiger)
		sha1, tiger, _ := strings.Cut(rest, ".")
		err = errors.Join(decode(u.SHA1[:], sha1), decode(u.Tiger[:], tiger))
	} else if rest, ok := cutTiger(name); ok {
		u.Tiger = new(Tiger)
		err = decode(u.Tiger[:], rest)
	} else {
		err = ErrMalformed
	}
	if err != nil {
		return URN{}, fmt.Errorf("read %q: %w", name, ErrMalformed)
	}
	return u, nil
}

// String returns the name: of two hashes the bitprint, and nothing without a hash.
func (u URN) String() string {
	switch {
	case u.SHA1 != nil && u.Tiger != nil:
		return prefixBitprint + u.SHA1.String() + "." + u.Tiger.String()
	case u.SHA1 != nil:
		return prefixSHA1 + u.SHA1.String()
	case u.Tiger != nil:
		return prefixTiger + u.Tiger.String()
	}
	return ""
}

func cutTiger(name string) (rest string, ok bool) {
	for _, prefix := range tigerPrefixes {
		if rest, ok := cutPrefix(name, prefix); ok {
			return rest, true
		}
	}
	return "", false
}

// cutPrefix is strings.CutPrefix, in any case.
func cutPrefix(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// decode reads exactly the characters that hash takes.
func decode(hash []byte, text string) error {
	if len(text) != Base32.EncodedLen(len(hash)) {
		return ErrMalformed
	}
	b, err := Base32.DecodeString(strings.ToUpper(text))
	if err != nil || len(b) != len(hash) {
		return ErrMalformed
	}
	copy(hash, b)
	return nil
}
