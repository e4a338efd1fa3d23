package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a terminal of a size: what is written to it, and the lines that a person sees.
func terminal(t *testing.T, columns, rows uint16) (*os.File, *bufio.Scanner) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	connection, err := person.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number int
	control := func(fd uintptr) {
		if number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err == nil {
			err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		}
		if err == nil {
			err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows})
		}
	}
	if failed := connection.Control(control); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	program, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return program, bufio.NewScanner(person)
}

// TestTerminals: a terminal that does not tell its size has no place for a bar, and gets lines.
func TestTerminals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		columns, rows uint16
		bar           bool
	}{{80, 24, true}, {0, 0, false}, {80, 0, false}, {0, 24, false}} {
		program, seen := terminal(t, test.columns, test.rows)
		talk := newTalk(program)
		if !talk.terminal || talk.sized != test.bar {
			t.Errorf("%+v: %+v", test, talk)
		}
		err := talk.during(t.Context(), &rowCount{started: time.Now()}, func() error { return nil })
		if err != nil || !seen.Scan() || (seen.Text() != "no rows yet") != test.bar || !strings.Contains(seen.Text(), "no rows yet") {
			t.Errorf("%+v: error %v, seen %q", test, err, seen.Text())
		}
	}
}
