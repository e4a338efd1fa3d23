package library_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/library"
	"gnucensus/servent/urn"
)

func host(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)}), 6346)
}

// said is a host that says where files are, and asks.
var said = host(1000).Addr()

func TestMesh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mesh library.Mesh
		file := urn.SHA1{1}
		expect := func(when string, n int, want ...netip.AddrPort) {
			t.Helper()
			if diff := cmp.Diff(want, mesh.Find(file, said, n), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		expect("nothing known", 10)
		for i := range 3 {
			mesh.Add(file, host(i), said)
			<-time.After(time.Hour) // of the fake clock
		}
		mesh.Add(urn.SHA1{2}, host(9), said)
		expect("the last first", 10, host(2), host(1), host(0))
		expect("the last two", 2, host(2), host(1))
		mesh.Add(file, host(0), said)
		expect("heard again", 1, host(0))

		for range 5 {
			mesh.Dead(file, host(2), host(100).Addr())
		}
		expect("one host says that another is dead", 1, host(0))
		expect("which is not enough", 10, host(0), host(2), host(1))
		mesh.Dead(file, host(2), host(101).Addr())
		mesh.Dead(file, host(2), host(102).Addr())
		mesh.Add(file, host(2), said)
		expect("three say so", 10, host(0), host(1))
		<-time.After(3 * time.Hour) // of the fake clock
		mesh.Add(file, host(2), said)
		expect("some hours after its death", 10, host(2), host(0), host(1))
		<-time.After(10 * time.Hour) // of the fake clock
		expect("half a day after", 10, host(2))
		<-time.After(10 * time.Hour) // of the fake clock
		expect("forgotten", 10)
	})
}

// TestMeshIsBounded floods a mesh with made-up locations.
func TestMeshIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mesh library.Mesh
		for i := range 1000 {
			mesh.Add(urn.SHA1{1}, host(i), said)
		}
		if got := len(mesh.Find(urn.SHA1{1}, said, 1000)); got != 256 {
			t.Errorf("%d hosts of one file", got)
		}
		known := func(from, to int) (n int) {
			for i := from; i < to; i++ {
				n += len(mesh.Find(urn.SHA1{2, byte(i >> 8), byte(i)}, said, 1))
			}
			return n
		}
		add := func(from, to int) {
			for i := from; i < to; i++ {
				mesh.Add(urn.SHA1{2, byte(i >> 8), byte(i)}, host(i), said)
			}
		}
		add(0, 5000)
		if got := known(0, 5000); got != 4095 {
			t.Errorf("%d files beside the first", got)
		}
		<-time.After(13 * time.Hour) // of the fake clock
		add(5000, 6000)
		if got := known(5000, 6000); got != 1000 {
			t.Errorf("%d files after the others were forgotten, want all 1000", got)
		}
	})
}

// TestMeshStaysAtHome: an address of a private network is not taken from elsewhere, nor told there.
func TestMeshStaysAtHome(t *testing.T) {
	t.Parallel()
	file, outside, inside := urn.SHA1{1}, netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("192.168.1.5")
	for _, c := range []struct {
		host netip.AddrPort
		from netip.Addr
		want int // hosts that it knows then
	}{
		{host(1), outside, 1}, {host(1), inside, 1}, {netip.AddrPortFrom(outside, 0), outside, 0},
		{netip.AddrPortFrom(inside, 6346), inside, 1}, {netip.AddrPortFrom(inside, 6346), outside, 0},
	} {
		var mesh library.Mesh
		mesh.Add(file, c.host, c.from)
		if got := len(mesh.Find(file, inside, 10)); got != c.want {
			t.Errorf("%v told by %v: %d known, want %d", c.host, c.from, got, c.want)
		}
	}
	var mesh library.Mesh
	mesh.Add(file, host(1), outside)
	mesh.Add(file, netip.AddrPortFrom(inside, 6346), inside)
	for to, want := range map[netip.Addr]int{outside: 1, inside: 2} {
		if got := len(mesh.Find(file, to, 10)); got != want {
			t.Errorf("%d told to %v, want %d", got, to, want)
		}
	}
}
