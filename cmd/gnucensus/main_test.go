package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gnucensus/servent/lab"
	"gnucensus/storage"
)

// runAsProgram, set in the environment, makes the test binary the program itself, so that tests can kill it.
const runAsProgram = "GNUCENSUS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(runAsProgram) != "" {
		os.Unsetenv(runAsProgram)
		main()
	}
	for _, variable := range os.Environ() { // what whoever runs the tests has set says how to run, not what to do
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "GNUCENSUS_") && !strings.HasPrefix(name, "GNUCENSUS_TEST") && name != "GNUCENSUS_PGBIN" {
			os.Unsetenv(name)
		}
	}
	caches, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_CACHE_HOME", caches)
	code := m.Run()
	os.RemoveAll(caches)
	os.Exit(code)
}

// A result is what a run of the program left behind.
type result struct {
	code           int
	stdout, stderr string
}

// run runs the program to its end.
func run(t testing.TB, args ...string) result {
	t.Helper()
	return start(t, args...).end(t)
}

// must runs the program, which must succeed, and returns its standard output.
func must(t testing.TB, args ...string) string {
	t.Helper()
	r := run(t, args...)
	if r.code != exitDone {
		t.Fatalf("gnucensus %s: exit %d\n%s", strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// decode reads the one JSON value that a command printed.
func decode[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("read %q: %v", text, err)
	}
	return v
}

// A process is a run of the program. It is a process of its own, so that it can be killed, and because the library keeps
// state that two runs in one process would share.
type process struct {
	*exec.Cmd
	print, line chan string // lines of standard output and of standard error; closed at the end
}

// start starts the program as a process, which is killed when the test ends.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	return startCommand(t, exec.Command(os.Args[0], args...))
}

// startCommand starts a command that becomes the program.
func startCommand(t testing.TB, command *exec.Cmd) *process {
	t.Helper()
	p := &process{Cmd: command}
	p.Env = append(os.Environ(), runAsProgram+"=1")
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.StderrPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.print, p.line = lines(stdout), lines(stderr)
	t.Cleanup(func() {
		_ = p.Process.Kill() // it has ended in most tests
		_ = p.Wait()
	})
	return p
}

// lines reads lines as they come. There is room for all that a test makes the program say.
func lines(r io.Reader) chan string {
	c := make(chan string, 10_000)
	go func() {
		defer close(c)
		for s := bufio.NewScanner(r); s.Scan(); {
			c <- s.Text()
		}
	}()
	return c
}

// end waits for the process and returns its exit code and what it printed and said since.
func (p *process) end(t testing.TB) result {
	t.Helper()
	var stdout, stderr strings.Builder
	for line := range p.print {
		fmt.Fprintln(&stdout, line)
	}
	for line := range p.line {
		fmt.Fprintln(&stderr, line)
	}
	_ = p.Wait() // the state says it all
	return result{p.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// network starts a lab, which ends with the test, unless the plan says where at addresses that no other test of this package
// uses.
func network(t testing.TB, plan lab.Plan) *lab.Net {
	t.Helper()
	if !plan.Base.IsValid() {
		plan.Base = base(t)
	}
	hosts, err := lab.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	ready, ended := make(chan struct{}), make(chan error, 1)
	running.Go(func() { ended <- hosts.Run(ctx, func() { close(ready) }) })
	t.Cleanup(func() { cancel(); running.Wait() })
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	return hosts
}

// base is the first of 2,048 addresses in 127.50.0.0/15 that the test has to itself: a port beside the lab's is its mark,
// for other runs of these tests too.
func base(t testing.TB) netip.Addr {
	t.Helper()
	for n := range 64 {
		first := netip.AddrFrom4([4]byte{127, byte(50 + n/32), byte(n % 32 * 8), 1})
		if mark, err := net.Listen("tcp4", netip.AddrPortFrom(first, 6345).String()); err == nil {
			t.Cleanup(func() { mark.Close() })
			return first
		}
	}
	t.Fatal("more labs than addresses")
	return netip.Addr{}
}

// seeded are the flags of a crawl of the lab into a database.
func seeded(hosts *lab.Net, dsn string, more ...string) []string {
	args := []string{"crawl", "--scope", "lab", "--database", dsn, "--format", "json"}
	for _, s := range hosts.Seeds() {
		args = append(args, "--seed", s.String())
	}
	return append(args, more...)
}

// open opens the database of a test to look into it.
func open(t testing.TB, dsn string) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// rows reads from the database of a test.
func rows(t testing.TB, db *storage.DB, statement string, args ...any) [][]any {
	t.Helper()
	r, err := db.Select(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	return r.Values
}

// eventually looks again and again until the condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-t.Context().Done():
			t.Fatalf("until the end of the test, %s", what)
		case <-time.After(2 * time.Minute):
			t.Fatalf("for two minutes, %s", what)
		}
	}
}

// dataDir is a folder for a private server. Unlike that of testing, every user may pass through it: a server that root
// starts is another user.
func dataDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gnucensus-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// file writes lines into a file of the test and returns its name.
func file(t testing.TB, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "lines.txt")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
