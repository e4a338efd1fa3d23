package roll

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"

	"pgregory.net/rapid"
)

// A roll does what a slice and a map of addresses do.
func TestRollNumbersAddresses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := New()
		numbers := map[netip.AddrPort]uint32{}
		var heard []netip.AddrPort
		for range rapid.IntRange(0, 400).Draw(t, "steps") {
			a := address(rapid.IntRange(0, 200).Draw(t, "address"))
			if rapid.IntRange(0, 40).Draw(t, "step") == 0 {
				keep := rapid.IntRange(0, len(heard)).Draw(t, "keep")
				for _, gone := range heard[keep:] {
					delete(numbers, gone)
				}
				heard = heard[:keep]
				r.Truncate(keep)
			}
			if n := r.Find(a); n != numbers[a] {
				t.Fatalf("%v has number %d, want %d", a, n, numbers[a])
			}
			n, added := r.Add(a)
			if added != (numbers[a] == 0) {
				t.Fatalf("%v added: %v", a, added)
			}
			if added {
				heard = append(heard, a)
				numbers[a] = uint32(len(heard))
			}
			if n != numbers[a] || r.At(n) != a || r.Len() != len(heard) {
				t.Fatalf("%v has number %d of %d, and that is %v", a, n, r.Len(), r.At(n))
			}
		}
		for i, a := range heard {
			if r.Find(a) != uint32(i+1) || r.At(uint32(i+1)) != a {
				t.Fatalf("%v has number %d, and %d is %v", a, r.Find(a), i+1, r.At(uint32(i+1)))
			}
		}
	})
}

// address is the n-th of a few that share ports and parts, every third of IPv6.
func address(n int) netip.AddrPort {
	port := uint16(6346 + n%2)
	if n%3 == 0 {
		ip := netip.MustParseAddr("2001:db8::").As16()
		ip[7+n%2], ip[15] = byte(n), byte(n)
		return netip.AddrPortFrom(netip.AddrFrom16(ip), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(n)}), port)
}

func TestOneAddressHasOneSpelling(t *testing.T) {
	r := New()
	for _, s := range []string{"127.0.0.1:5", "[::ffff:127.0.0.1]:5", "[fe80::1]:5", "[fe80::1%eth0]:5"} {
		r.Add(netip.MustParseAddrPort(s))
	}
	if r.Len() != 2 {
		t.Errorf("%d addresses, want 2", r.Len())
	}
}

// BenchmarkAdd tells what one address costs, and that it is as much among many as among few.
func BenchmarkAdd(b *testing.B) {
	for _, hosts := range []int{10_000, 1_000_000} {
		b.Run(map[int]string{10_000: "10k", 1_000_000: "1M"}[hosts], func(b *testing.B) {
			var bytes uint64
			for b.Loop() {
				before := heap()
				r := New()
				for i := range hosts {
					var ip [4]byte
					binary.BigEndian.PutUint32(ip[:], uint32(i)*2654435761)
					r.Add(netip.AddrPortFrom(netip.AddrFrom4(ip), 6346))
				}
				bytes += heap() - before
				runtime.KeepAlive(r)
			}
			b.ReportMetric(float64(bytes)/float64(b.N*hosts), "B/host")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*hosts), "ns/host")
		})
	}
}

// heap returns the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
