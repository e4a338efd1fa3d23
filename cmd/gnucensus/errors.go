package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
)

// Exit codes of the program.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 3
)

// A hinted error also tells what to do, on a line of its own, and which exit code it deserves.
type hinted struct {
	err  error
	hint string
	code int
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// usage is the error of a wrong command line. The hint tells what would be right.
func usage(hint, format string, args ...any) error {
	return &hinted{err: fmt.Errorf(format, args...), hint: hint, code: exitUsage}
}

// advise adds what to do to an error of work that failed; nil stays nil.
func advise(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hinted{err: err, hint: hint, code: exitFailed}
}

// stopped turns the error of work that the end of ctx cut short into what people need to know of it: what the cause says is
// about contexts and statements. Advice stays. Errors of anything else stay as they are.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) && !errors.Is(err, context.Cause(ctx)) {
		return err
	}
	cut := &hinted{err: errors.New("stopped"), code: exitInterrupted}
	var told *hinted
	if errors.As(err, &told) && told.code != exitUsage {
		cut.hint = told.hint
	}
	return cut
}

// explain prints an error for people and returns its exit code. An error with several lines, as one that quotes a log, keeps
// them. Parts of it may come from the network or from a file, so control characters are removed.
func explain(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	first, more, _ := strings.Cut(err.Error(), "\n")
	fmt.Fprintf(w, "gnucensus: %s\n", printable(first))
	for line := range strings.Lines(more) {
		fmt.Fprintf(w, "    %s\n", printable(line))
	}
	h := &hinted{code: exitFailed}
	errors.As(err, &h)
	for _, hint := range []string{h.hint, roomHint(err)} {
		for line := range strings.Lines(hint) {
			fmt.Fprintf(w, "  %s\n", printable(line))
		}
	}
	return h.code
}

// roomHint tells where to make room when something could not be written because the disk is full.
func roomHint(err error) string {
	var file *fs.PathError
	switch {
	case !errors.Is(err, syscall.ENOSPC), !errors.As(err, &file):
		return ""
	case file.Path == os.Stdout.Name():
		return "Make room where standard output goes."
	}
	dir, err := filepath.Abs(filepath.Dir(file.Path))
	if err != nil {
		return ""
	}
	return "Make room on " + dir + "."
}

// printable replaces control characters by spaces, and removes those at the end.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, s)
	return strings.TrimRight(s, " ")
}
