package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/urn"
)

// What a test starts itself as, and what it then fetches: URN, size and address, separated by blanks.
const (
	childEnv  = "TRANSFER_TEST_CHILD"
	folderEnv = "TRANSFER_TEST_FOLDER"
	childSays = "bytes done:"
)

// childJob is the job that a process was started for.
func childJob(t *testing.T, kind string) Job {
	t.Helper()
	words := strings.Fields(os.Getenv(childEnv))
	if len(words) != 4 || words[0] != kind {
		t.Skip("only as a process of another test")
	}
	u, err := urn.Parse(words[1])
	if err != nil {
		t.Fatal(err)
	}
	size, err := strconv.ParseUint(words[2], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return Job{
		URN: u, Size: size, Name: "file.bin", Folder: os.Getenv(folderEnv),
		Sources: []Source{sourceOf(netip.MustParseAddrPort(words[3]))},
	}
}

// startChild runs one test in a process of its own.
func startChild(t *testing.T, test, kind string, content []byte, source Source, dir string, attr *syscall.SysProcAttr) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d %s", childEnv, kind, bitprint(content), len(content), source.Addr), folderEnv+"="+dir)
	cmd.SysProcAttr = attr
	return cmd
}

func TestChildFetches(t *testing.T) {
	job := childJob(t, "kill")
	job.Progress = func(p Progress) { fmt.Printf("\n%s %d\n", childSays, p.Done) }
	if _, err := Fetch(t.Context(), job); err != nil {
		t.Fatal(err)
	}
}

// TestKill kills a process in the middle of a fetch; the next one goes on from all that it had.
func TestKill(t *testing.T) {
	t.Parallel()
	content := noise(8_000_000, 60)
	dir := t.TempDir()
	killed := make(chan struct{})
	source, _ := cutting(t, content, 5_000_000, func() { <-killed })
	child := startChild(t, "TestChildFetches", "kill", content, source, dir, nil)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var done int64
	for said := bufio.NewScanner(out); done < 4_000_000 && said.Scan(); {
		if text, ok := strings.CutPrefix(said.Text(), childSays+" "); ok {
			done, _ = strconv.ParseInt(text, 10, 64)
		}
	}
	child.Process.Kill()
	child.Wait()
	close(killed)
	if left := folder(t, dir); done < 4_000_000 || !slices.Equal(left, []string{"file.bin.partial", "file.bin.partial-state"}) {
		t.Fatalf("after %d bytes the folder holds %q", done, left)
	}
	second, sent := cutting(t, content, math.MaxInt, nil)
	job := Job{URN: bitprint(content), Size: uint64(len(content)), Name: "file.bin", Folder: dir, Sources: []Source{second}}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
	const heads = 20_000 // bytes of heads and the like, at most
	if sent.Load() > int64(len(content))-done+heads {
		t.Errorf("of %d bytes %d were there, but the second fetch took %d", len(content), done, sent.Load())
	}
}

// noMount is what a child exits with that may not mount anything.
const noMount = 77

func TestChildFillsDisk(t *testing.T) {
	job := childJob(t, "disk")
	if err := syscall.Mount("tmpfs", job.Folder, "tmpfs", 0, "size=2m"); err != nil {
		os.Exit(noMount)
	}
	_, err := Fetch(t.Context(), job)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "file.bin") {
		t.Fatalf("a full disk: %v", err)
	}
	if err := syscall.Mount("tmpfs", job.Folder, "tmpfs", syscall.MS_REMOUNT, "size=32m"); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(job.Folder)
	if err != nil {
		t.Fatal(err)
	}
	p, err := openPartial(t.Context(), root, job.Name, job.URN, job.Size)
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := p.done()
	if err := p.close(); err != nil || kept < 1<<20 {
		t.Fatalf("%d bytes are kept, %v", kept, err)
	}
	r, err := Fetch(t.Context(), job)
	if err != nil || !r.Verified {
		t.Fatalf("with more room: %+v, %v", r, err)
	}
}

// TestFullDisk fetches to a file system that is too small, which a process mounts for itself.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	content := noise(4_000_000, 61)
	child := startChild(t, "TestChildFillsDisk", "disk", content, whole(t, content), t.TempDir(), &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	})
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == noMount, errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSPC):
		t.Skip("this system lets nobody mount a file system of his own")
	case err != nil:
		t.Errorf("%v:\n%s", err, out)
	}
}

// piped returns a way to a server that needs no network, so that the clock can be a fake one.
func piped(s *Server) func(context.Context, Source) (net.Conn, error) {
	return func(ctx context.Context, _ Source) (net.Conn, error) {
		near, far := net.Pipe()
		go s.Serve(context.WithoutCancel(ctx), far)
		return near, nil
	}
}

// TestRates measures a limited upload and a limited download on a fake clock.
func TestRates(t *testing.T) {
	t.Parallel()
	content := noise(160<<10, 62)
	for what, c := range map[string]struct{ up, down int }{"upload": {16 << 10, 0}, "download": {0, 16 << 10}} {
		lib := oneFile(t, "file.bin", content)
		job := Job{URN: bitprint(content), Folder: t.TempDir(), Rate: c.down, Sources: []Source{{}}}
		synctest.Test(t, func(t *testing.T) {
			var last Progress
			job.Progress = func(p Progress) {
				if p.Done < last.Done || p.Size != uint64(len(content)) && p.Size != 0 || p.Sources != 1 {
					t.Errorf("%s: progress %+v after %+v", what, p, last)
				}
				last = p
			}
			job.Dial = piped(NewServer(Config{Library: lib, Rate: c.up}))
			start := time.Now()
			r, err := Fetch(t.Context(), job)
			expectFile(t, job, r, err, content)
			if took := time.Since(start); took < 9*time.Second || took > 11*time.Second {
				t.Errorf("%s: took %v, want 10 s but for the first slice", what, took)
			}
			if last.Done != uint64(len(content)) || last.Size != last.Done || last.Connected != 0 {
				t.Errorf("%s: at last %+v", what, last)
			}
		})
	}
}

// TestSlowSources fetches from hosts that are too slow in one way or another, and from a good one that comes last.
func TestSlowSources(t *testing.T) {
	t.Parallel()
	content := noise(300_000, 63)
	lib := oneFile(t, "file.bin", content)
	for what, write := range map[string]func(c net.Conn, head []byte){
		"never answers":     func(net.Conn, []byte) {},
		"stops in the head": func(c net.Conn, head []byte) { c.Write(head[:len(head)/2]) },
		"stops in the body": func(c net.Conn, head []byte) { c.Write(head); c.Write(content[:1000]) },
		"drips": func(c net.Conn, head []byte) {
			c.Write(head)
			for i := range content {
				if _, err := c.Write(content[i : i+1]); err != nil {
					return
				}
				<-time.After(time.Second) // of the fake clock
			}
		},
	} {
		job := Job{URN: bitprint(content), Size: uint64(len(content)), Name: "file.bin", Folder: t.TempDir(), Parallel: 1}
		slow := Source{Addr: netip.MustParseAddrPort("192.0.2.1:1")}
		good := Source{Addr: netip.MustParseAddrPort("192.0.2.2:1")}
		job.Sources = []Source{slow, good}
		synctest.Test(t, func(t *testing.T) {
			server := piped(NewServer(Config{Library: lib}))
			var running sync.WaitGroup
			job.Dial = func(ctx context.Context, s Source) (net.Conn, error) {
				if s == good {
					return server(ctx, s)
				}
				near, far := net.Pipe()
				running.Go(func() {
					defer far.Close()
					buf := make([]byte, 4096)
					n, err := far.Read(buf)
					head := "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"
					if strings.HasPrefix(string(buf[:n]), "HEAD") {
						far.Write([]byte(head))
						_, err = far.Read(buf)
					}
					if err == nil {
						write(far, []byte(head))
						io.Copy(io.Discard, far)
					}
				})
				return near, nil
			}
			r, err := Fetch(t.Context(), job)
			running.Wait()
			if err != nil || !r.Verified {
				t.Errorf("%s: %+v, %v", what, r, err)
			}
		})
	}
}

// TestLastSegment fetches from a good host and from one that takes long for the segment that is missing in the end: the good one
// brings it instead.
func TestLastSegment(t *testing.T) {
	t.Parallel()
	content := noise(300_000, 64) // two segments, of which the slow host takes a minute for the first
	lib := oneFile(t, "file.bin", content)
	for what, hidden := range map[string][]string{"with a tree, which comes late": nil, "without a tree": {"X-Thex-URI"}} {
		job := Job{URN: sha1Of(content), Size: uint64(len(content)), Name: "file.bin", Folder: t.TempDir()}
		slow := Source{Addr: netip.MustParseAddrPort("192.0.2.1:1")}
		job.Sources = []Source{slow, {Addr: netip.MustParseAddrPort("192.0.2.2:1")}}
		synctest.Test(t, func(t *testing.T) {
			server := NewServer(Config{Library: lib})
			drips := make(chan struct{})
			var running sync.WaitGroup
			job.Dial = func(ctx context.Context, s Source) (net.Conn, error) {
				near, far := net.Pipe()
				if s == slow {
					running.Go(func() { drip(far, content, drips) })
					return near, nil
				}
				<-drips
				running.Go(func() {
					server.Serve(ctx, &forger{Conn: far, forge: func(h string) string { return without(h, hidden...) }})
				})
				return near, nil
			}
			start := time.Now()
			r, err := Fetch(t.Context(), job)
			running.Wait()
			if took := time.Since(start); err != nil || !r.Verified || len(r.Dropped) > 0 || took > 30*time.Second {
				t.Errorf("%s: %+v, %v, took %v", what, r, err, took)
			}
		})
	}
}

// drip answers on one connection, with 4 KiB a second. It closes began before its first body.
func drip(c net.Conn, content []byte, began chan struct{}) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		req, err := readRequest(r)
		if err != nil {
			return
		}
		part, size := span{0, uint64(len(content))}, len(content)
		if value := req.header.Get("Range"); value != "" {
			part, _ = parseRange(value, uint64(size))
		}
		fmt.Fprintf(c, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %s/%d\r\nContent-Length: %d\r\n\r\n", part, size, part.len())
		if req.method == "HEAD" {
			continue
		}
		close(began)
		for at := part.from; at < part.to; at += 4 << 10 {
			<-time.After(time.Second) // of the fake clock
			if _, err := c.Write(content[at:min(at+4<<10, part.to)]); err != nil {
				return
			}
		}
	}
}
