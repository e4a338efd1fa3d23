package pace

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func exclusions(t *testing.T, content string) *Exclusions {
	t.Helper()
	x, err := LoadExclusions(write(t, filepath.Join(t.TempDir(), "exclude.txt"), content), nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExclusionFile(t *testing.T) {
	x := exclusions(t, `
# hosts whose owners asked
192.0.2.1
 198.51.100.7/24	# a whole network, written with one of its hosts
2001:db8::/32
::ffff:203.0.113.5
::ffff:203.0.113.16/124`)
	for addr, want := range map[string]bool{
		"192.0.2.1": true, "192.0.2.2": false, "198.51.100.0": true, "198.51.100.255": true, "198.51.101.0": false,
		"2001:db8:ffff::1": true, "2001:db9::1": false, "203.0.113.5": true, "::ffff:192.0.2.1": true,
		"203.0.113.16": true, "203.0.113.31": true, "203.0.113.32": false, "2001:db8::1%eth0": true,
	} {
		if got := x.Contains(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Contains(%s) = %v", addr, got)
		}
	}
	if (*Exclusions)(nil).Contains(netip.MustParseAddr("192.0.2.1")) {
		t.Error("no exclusions exclude somebody")
	}
}

func TestBrokenExclusionFileNamesTheLine(t *testing.T) {
	for _, bad := range []string{"example.org", "192.0.2.1/33", "192.0.2.1:6346", "192.0.2", "::/129"} {
		path := write(t, filepath.Join(t.TempDir(), "exclude.txt"), "192.0.2.1\n\n"+bad+" # comment\n")
		_, err := LoadExclusions(path, nil)
		if err == nil || !strings.Contains(err.Error(), path+":3: \""+bad+"\"") {
			t.Errorf("%s gives %v, want file and line 3", bad, err)
		}
	}
	if _, err := LoadExclusions(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

func TestExclusionFileIsReadAgainWhenItChanges(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "exclude.txt"), "192.0.2.1\n")
	one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		x, err := LoadExclusions(path, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		check := func(what string, hasOne, hasTwo bool, lines int) {
			t.Helper()
			if x.Contains(one) != hasOne || x.Contains(two) != hasTwo {
				t.Errorf("%s: %v, %v; want %v, %v", what, x.Contains(one), x.Contains(two), hasOne, hasTwo)
			}
			if n := strings.Count(log.String(), "\n"); n != lines {
				t.Errorf("%s: %d lines logged, want %d:\n%s", what, n, lines, &log)
			}
		}
		write(t, path, "192.0.2.1\n192.0.2.2\n")
		check("at once", true, false, 0)
		later := func(what string, hasOne, hasTwo bool, lines int) {
			t.Helper()
			time.Sleep(lookEvery) // of the bubble
			check(what, hasOne, hasTwo, lines)
		}
		later("a moment later", true, true, 1)

		write(t, path, "nonsense\n")
		later("broken", true, true, 2)
		later("still broken", true, true, 2)

		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		later("missing", true, true, 3)
		later("still missing", true, true, 3)

		write(t, path, "192.0.2.2\n")
		later("back", false, true, 4)
	})
}
