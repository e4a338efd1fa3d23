package transfer

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gnucensus/servent/library"
)

// BenchmarkServe fetches a file over loopback from our server and from http.ServeFile by turns, and compares their rates.
func BenchmarkServe(b *testing.B) {
	const size = 64 << 20
	dir := b.TempDir()
	content := noise(size, 1)
	path := filepath.Join(dir, "file.bin")
	put(b, path, content)
	ours := listenServer(b, Config{Library: shared(b, library.Config{Folders: []string{dir}})})

	l, err := net.Listen("tcp4", netip.AddrPortFrom(freshHost(), 0).String())
	if err != nil {
		b.Fatal(err)
	}
	theirs := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })}
	go theirs.Serve(l)
	b.Cleanup(func() { theirs.Close() })

	fetch := func(url string) time.Duration {
		start := time.Now()
		resp, err := http.Get(url)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
			b.Fatalf("%s: %d bytes, %v", resp.Status, n, err)
		}
		return time.Since(start)
	}
	var took [2]time.Duration
	for b.Loop() {
		took[0] += fetch(fmt.Sprintf("http://%s/get/1/file.bin", ours))
		took[1] += fetch(fmt.Sprintf("http://%s/", l.Addr()))
	}
	for i, unit := range []string{"MB/s", "ServeFile-MB/s"} {
		b.ReportMetric(float64(b.N)*size/1e6/took[i].Seconds(), unit)
	}
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "x-ServeFile")
}

// BenchmarkFetch fetches a file from servers on loopback, with all that verifies it.
func BenchmarkFetch(b *testing.B) {
	content := noise(64<<20, 2)
	lib := oneFile(b, "file.bin", content)
	for _, sources := range []int{1, 3} {
		b.Run(fmt.Sprintf("sources=%d", sources), func(b *testing.B) {
			job := Job{URN: bitprint(content), Folder: b.TempDir()}
			for range sources {
				job.Sources = append(job.Sources, sourceOf(listenServer(b, Config{Library: lib})))
			}
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				r, err := Fetch(b.Context(), job)
				if err != nil {
					b.Fatal(err)
				}
				if err := os.Remove(r.Path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
