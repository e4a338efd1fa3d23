package exchange

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// published is the key of the sample that comes with Crypto-PAn 1.0.
var published = Key{
	21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
	216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2,
}

func TestCryptoPAnAgainstThePublishedSample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/cryptopan.txt")
	if err != nil {
		t.Fatal(err)
	}
	pan, n := newCryptoPAn(published), 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if words[0][0] == '#' {
			continue
		}
		n++
		if got := pan.replace(netip.MustParseAddr(words[0])).String(); got != words[1] {
			t.Errorf("%s becomes %s, want %s", words[0], got, words[1])
		}
	}
	if n != 75 {
		t.Errorf("%d lines", n)
	}
}

func TestCryptoPAnKeepsTheFormOfAnAddress(t *testing.T) {
	t.Parallel()
	pan := newCryptoPAn(published)
	for from, want := range map[string]string{
		"::ffff:128.11.68.132": "::ffff:135.242.180.132",
		"2001:db8::1%eth0":     "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e",
	} {
		if got := pan.replace(netip.MustParseAddr(from)).String(); got != want {
			t.Errorf("%s becomes %s, want %s", from, got, want)
		}
	}
}

// Two addresses have as many leading bits in common afterwards as before. That no two become one follows from it.
func TestCryptoPAnPreservesPrefixes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
		a := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "a")
		b := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "b")
		copy(b, a[:rapid.IntRange(0, size).Draw(t, "common")])
		pan := newCryptoPAn(Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")))
		x, y := append([]byte{}, a...), append([]byte{}, b...)
		pan.flip(x)
		pan.flip(y)
		if before, after := common(a, b), common(x, y); before != after {
			t.Fatalf("%v and %v share %d bits, %v and %v share %d", a, b, before, x, y, after)
		}
	})
}

// common counts the leading bits that two slices share.
func common(a, b []byte) int {
	for i := range 8 * len(a) {
		if mask := byte(0x80) >> (i % 8); a[i/8]&mask != b[i/8]&mask {
			return i
		}
	}
	return 8 * len(a)
}
