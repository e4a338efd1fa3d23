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

func TestMesh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mesh library.Mesh
		file := urn.SHA1{1}
		expect := func(when string, n int, want ...netip.AddrPort) {
			t.Helper()
			if diff := cmp.Diff(want, mesh.Find(file, n), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		expect("nothing known", 10)
		for i := range 3 {
			mesh.Add(file, host(i))
			<-time.After(time.Hour) // of the fake clock
		}
		mesh.Add(urn.SHA1{2}, host(9))
		expect("the last first", 10, host(2), host(1), host(0))
		expect("the last two", 2, host(2), host(1))
		mesh.Add(file, host(0))
		expect("heard again", 1, host(0))

		for range 5 {
			mesh.Dead(file, host(2), host(100).Addr())
		}
		expect("one host says that another is dead", 1, host(0))
		expect("which is not enough", 10, host(0), host(2), host(1))
		mesh.Dead(file, host(2), host(101).Addr())
		mesh.Dead(file, host(2), host(102).Addr())
		mesh.Add(file, host(2))
		expect("three say so", 10, host(0), host(1))
		<-time.After(3 * time.Hour) // of the fake clock
		mesh.Add(file, host(2))
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
			mesh.Add(urn.SHA1{1}, host(i))
		}
		if got := len(mesh.Find(urn.SHA1{1}, 1000)); got != 256 {
			t.Errorf("%d hosts of one file", got)
		}
		known := func(from, to int) (n int) {
			for i := from; i < to; i++ {
				n += len(mesh.Find(urn.SHA1{2, byte(i >> 8), byte(i)}, 1))
			}
			return n
		}
		add := func(from, to int) {
			for i := from; i < to; i++ {
				mesh.Add(urn.SHA1{2, byte(i >> 8), byte(i)}, host(i))
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
