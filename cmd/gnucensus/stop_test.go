package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gnucensus/storage/storagetest"
)

// TestStopped: whatever a signal cuts short says so, without the words of the libraries, and has the same exit code.
func TestStopped(t *testing.T) {
	t.Parallel()
	dsn, dir := imported(t)
	census, out := filepath.Join(dir, "census"), filepath.Join(dir, "out")
	must(t, "export", "all", "-o", census, "--addresses", "--database", dsn)
	urn := "urn:sha1:" + strings.Repeat("A", 32)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(syscall.EINTR) // a signal too is a cause of its own
	for _, args := range []string{
		"report tails --database " + dsn,
		"report html -o " + out + " --database " + dsn,
		"figure degrees -o " + out + ".svg --database " + dsn,
		"export hosts -o " + out + ".csv --addresses --database " + dsn,
		"import " + census + " --database " + dsn,
		"import edges " + filepath.Join(dir, "list.txt") + " --database " + dsn,
		"snapshot show 1 --database " + dsn,
		"snapshot resume 1 --database " + storagetest.DSN(t),
		"crawl --scope lab --seed " + nobody + " --database " + dsn,
		"db url --data " + dataDir(t),
		"conform localhost:6346 --scope lab",
		"browse " + nobody,
		"get " + nobody + "/1",
		"get " + urn + " --via 127.0.0.1:6346",
		"get magnet:?xt=" + urn + "&xs=http://" + nobody + "/ --out " + dir,
		"search --via 127.0.0.1:6346 words",
		"search --via 127.0.0.1:6346 --mode guess words",
	} {
		var said bytes.Buffer
		p := &program{stdin: strings.NewReader(""), stdout: t.Output(), talk: newTalk(&said)}
		code := p.run(ctx, append([]string{"gnucensus"}, strings.Fields(args)...))
		if code != exitInterrupted || !strings.Contains(said.String(), "gnucensus: stopped") {
			t.Errorf("%s: exit %d: %s", args, code, &said)
		}
		for _, word := range []string{"context", "SQLSTATE", "cancel", "browsing"} {
			if strings.Contains(said.String(), word) {
				t.Errorf("%s says %q: %s", args, word, &said)
			}
		}
	}
	if left, err := filepath.Glob(out + "*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestStoppedSearch: what was found is printed with the summary, and the exit code tells that it may not be all.
func TestStoppedSearch(t *testing.T) {
	t.Parallel()
	const top = "127.96.1.1:6346"
	serve(t, top, "--role", "ultrapeer", "--share", folder(t, "free music.ogg"))
	p := start(t, "search", "--via", top, "--wait", "10m", "free music")
	for !strings.Contains(<-p.print, "free music.ogg") {
	}
	p.interrupt(t)
	if r := p.end(t); r.code != exitInterrupted || !strings.Contains(r.stdout, "1 result in 1 hit") || r.stderr != "gnucensus: stopped\n" {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}
