package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/crawler"
)

func halfway() crawler.Progress {
	return crawler.Progress{Heard: 400, Queued: 190, InFlight: 10, Visited: 100, Reached: 60}
}

// TestProgressLines: elsewhere than at a terminal, a plain line every ten seconds and one at the end.
func TestProgressLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		newTalk(&out).show(ctx, walk{halfway, earlier{100, 90, 50}, time.Now()})
		want := `10.0/s heard 400 visited 190 reached 110 in flight 10 left 20s
5.0/s heard 400 visited 190 reached 110 in flight 10 left 40s
4.0/s heard 400 visited 190 reached 110 in flight 10 left 50s
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestProgressBar: at a terminal, a bar, and what is logged meanwhile stands above it.
func TestProgressBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	screen := newTalk(&out)
	screen.terminal, screen.sized = true, true
	ctx, cancel := context.WithCancel(t.Context())
	log := newLogger(screen, true, slog.LevelInfo)
	shown := make(chan struct{}, 1000)
	var watching sync.WaitGroup
	watching.Go(func() {
		screen.show(ctx, walk{func() crawler.Progress { shown <- struct{}{}; return halfway() }, earlier{}, time.Now()})
	})
	<-shown
	log.Warn("something happened")
	cancel()
	watching.Wait()
	text := out.String()
	log.Warn("after")
	if !strings.Contains(text, "something happened") || !strings.Contains(text, "reached 60") || !strings.Contains(text, "=") {
		t.Errorf("on the screen: %q", text)
	}
	if !strings.HasSuffix(strings.TrimSpace(out.String()), "after") {
		t.Errorf("after the bar: %q", out.String()[len(text):])
	}
}

// TestNothingDone: of work that fails at once only the error is told.
func TestNothingDone(t *testing.T) {
	t.Parallel()
	failed := errors.New("no more")
	for _, terminal := range []bool{false, true} {
		var out bytes.Buffer
		screen := newTalk(&out)
		screen.terminal, screen.sized = terminal, terminal
		err := screen.during(t.Context(), &rowCount{started: time.Now()}, func() error { return failed })
		if err != failed || strings.Contains(out.String(), "rows") && !terminal {
			t.Errorf("terminal %t: %v, said %q", terminal, err, &out)
		}
		if terminal && !strings.HasSuffix(out.String(), "\x1b[J") { // which clears the screen from there on
			t.Errorf("the bar stays: %q", &out)
		}
	}
}

// TestTransfer: rows that go to a file are told while the work lasts, and once more at its end; of what, nobody knows.
func TestTransfer(t *testing.T) {
	t.Parallel()
	failed := errors.New("no more")
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		rows := &rowCount{started: time.Now()}
		err := newTalk(&out).during(t.Context(), rows, func() error {
			rows.rows.Add(500)
			time.Sleep(15 * time.Second) // of the bubble
			rows.rows.Add(1)
			return failed
		})
		want := "500 rows, 50 rows/s\n501 rows, 33 rows/s\n"
		if diff := cmp.Diff(want, out.String()); diff != "" || !errors.Is(err, failed) {
			t.Errorf("error %v, lines:\n%s", err, diff)
		}
	})
	var out bytes.Buffer
	screen := newTalk(&out)
	screen.terminal, screen.sized = true, true
	rows := &rowCount{started: time.Now()}
	rows.rows.Add(77)
	if err := screen.during(t.Context(), rows, func() error { return nil }); err != nil || !strings.Contains(out.String(), "77 rows") {
		t.Errorf("error %v, on the screen: %q", err, out.String())
	}
}

// TestLogger: lines for people, coloured unless NO_COLOR asks otherwise, and JSON for machines.
func TestLogger(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	var coloured, plain, machine bytes.Buffer
	newLogger(&coloured, true, slog.LevelInfo).Info("hello", "n", 1)
	t.Setenv("NO_COLOR", "1")
	newLogger(&plain, true, slog.LevelInfo).Info("hello", "n", 1)
	newLogger(&machine, false, slog.LevelInfo).Info("hello", "n", 1)
	if !strings.Contains(coloured.String(), "\x1b[") || strings.Contains(plain.String(), "\x1b[") {
		t.Errorf("with colour %q, without %q", coloured.String(), plain.String())
	}
	if line := decode[struct {
		Msg string
		N   int
	}](t, machine.String()); line.Msg != "hello" || line.N != 1 {
		t.Errorf("JSON: %q", machine.String())
	}
}

// TestExplainCleans: an error may carry what a stranger sent, and must not act on the terminal.
func TestExplainCleans(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := advise(errors.New("host says \x1b[2J\u202egoodbye\r\n"), "Do this.\nOr that.")
	if code := explain(&out, err); code != exitFailed {
		t.Errorf("code %d", code)
	}
	if diff := cmp.Diff("gnucensus: host says  [2J goodbye\n  Do this.\n  Or that.\n", out.String()); diff != "" {
		t.Error(diff)
	}
}

// TestFacts prints one object in both ways, in order.
func TestFacts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	never := (*time.Time)(nil)
	f := facts{{"snapshot", int64(3)}, {"state", "complete"}, {"ended", never}, {"began", &at}, {"took_seconds", 1.25}}
	var text, object bytes.Buffer
	if err := errors.Join(f.print(&text, "table"), f.print(&object, "json")); err != nil {
		t.Fatal(err)
	}
	want := "snapshot      3\nstate         complete\nended         –\nbegan         2026-01-02 02:04:05 UTC\ntook seconds  1.2\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(object.String(), `{"snapshot":3,"state":"complete","ended":null,"began":"`) {
		t.Errorf("JSON: %s", object.String())
	}
}
