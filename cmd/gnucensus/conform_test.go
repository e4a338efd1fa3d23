package main

import (
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/conformance"
	"gnucensus/servent/lab"
)

// A verdictLine is one result in JSON.
type verdictLine struct {
	Test, Demand, Source string
	Optional             bool
	Result, Note         string
	Sent, Received       string
}

// TestConform tests a host of a lab.
func TestConform(t *testing.T) {
	t.Parallel()
	at := network(t, lab.Plan{Ultrapeers: 2, Leaves: 2, Degree: 1, Parents: 1}).Seeds()[0].String()
	lines := decode[[]verdictLine](t, must(t, "conform", at, "--scope", "lab", "--only", "crawl", "--only", "ping/alive",
		"--format", "json"))
	var names []string
	for _, l := range lines {
		names = append(names, l.Test)
		if l.Result != "pass" || l.Demand == "" || l.Source == "" || l.Optional != (l.Test == "crawl/closes") {
			t.Errorf("%+v", l)
		}
	}
	want := []string{"crawl/peers", "crawl/leaves", "crawl/addresses", "crawl/agent", "crawl/closes", "ping/alive"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	table := must(t, "conform", at, "--scope", "lab", "--only", "handshake/answer")
	for _, part := range []string{"demand", "handshake/answer  answers a hello", "pass", "1 pass, 0 fail"} {
		if !strings.Contains(table, part) {
			t.Errorf("no %q in\n%s", part, table)
		}
	}
}

// TestConformFails: a servent that fails a test that is not optional makes the exit code 1, and its bytes are shown.
func TestConformFails(t *testing.T) {
	t.Parallel()
	at := rude(t, "127.70.60.1:6346", "GNUTELLA/0.6 200 OK\r\nUser-Agent: rude\x1b[31m\r\n\r\n")
	r := run(t, "conform", at, "--scope", "lab", "--only", "handshake/answer")
	if r.code != exitFailed || !strings.Contains(r.stderr, "handshake/answer") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	for _, part := range []string{"neither True nor False", "0 pass, 1 fail", "|GNUTELLA/0.6 200|", "|GNUTELLA CONNECT"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("no %q in\n%s", part, r.stdout)
		}
	}
	if strings.Contains(r.stdout, "\x1b") {
		t.Errorf("an escape sequence in\n%q", r.stdout)
	}
	r = run(t, "conform", at, "--scope", "lab", "--only", "handshake/answer", "--format", "json")
	lines := decode[[]verdictLine](t, r.stdout)
	received, err := hex.DecodeString(lines[0].Received)
	if err != nil || r.code != exitFailed || lines[0].Result != "fail" || !strings.HasPrefix(string(received), "GNUTELLA/0.6") {
		t.Errorf("exit %d, %+v", r.code, lines)
	}
}

// TestConformLearnsNothing: a run that no test came out of has failed.
func TestConformLearnsNothing(t *testing.T) {
	t.Parallel()
	at := rude(t, "127.70.60.2:6346", "GNUTELLA/0.6 429 Banned for 5m 0s\r\n\r\n")
	r := run(t, "conform", at, "--scope", "lab", "--only", "crawl/peers")
	if r.code != exitFailed || !strings.Contains(r.stderr, "--pause") || !strings.Contains(r.stdout, "asked too often") {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}

// TestConformIsStopped interrupts a run whose target says nothing.
func TestConformIsStopped(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.70.60.3:6346")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := start(t, "conform", l.Addr().String(), "--scope", "lab", "--only", "crawl/peers")
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if r := p.end(t); r.code != exitInterrupted || !strings.Contains(r.stderr, "stopped after 0 of 1 test\n") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

// rude answers every connection by the same bytes.
func rude(t *testing.T, at, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp4", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1024))
			c.Write([]byte(answer))
			c.Close()
		}
	}()
	return at
}

// TestConformFlags gives each flag a value, on the command line and in the environment, and looks at what changes.
func TestConformFlags(t *testing.T) {
	base := []string{"conform", "--scope", "lab"}
	standard := capture(t, readConform, base...)
	same := cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Net" }, cmp.Ignore())
	addr := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
	for _, test := range []struct {
		flag, value string
		change      func(*conformance.Config)
	}{
		{"contact", "who@example.org", func(c *conformance.Config) { c.Agent += " (+who@example.org)" }},
		{"pause", "3s", func(c *conformance.Config) { c.Pause = 3 * time.Second }},
		{"word", "song", func(c *conformance.Config) { c.Word = "song" }},
		{"slow-tests", "true", func(c *conformance.Config) { c.Slow = true }},
	} {
		want := standard
		test.change(&want)
		got := capture(t, readConform, append(slices.Clip(base), "--"+test.flag+"="+test.value)...)
		if diff := cmp.Diff(want, got, same, addr); diff != "" {
			t.Errorf("--%s:\n%s", test.flag, diff)
		}
		fromEnvironment(t, test.flag, test.value, func() {
			if diff := cmp.Diff(want, capture(t, readConform, base...), same, addr); diff != "" {
				t.Errorf("--%s in the environment:\n%s", test.flag, diff)
			}
		})
	}
	if !capture(t, readConform, append(slices.Clip(base), "--slow")...).Slow {
		t.Error("--slow, in short, runs no slow tests")
	}
	live := capture(t, readConform, "conform", "--contact", "who@example.org")
	if live.Pause != conformance.Polite || standard.Pause != 0 {
		t.Errorf("pauses of %v live and %v in the lab", live.Pause, standard.Pause)
	}
	_, err := live.Net.DialContext(t.Context(), "tcp", nobody)
	if err == nil || !strings.Contains(err.Error(), "out of scope") {
		t.Errorf("scope live connects to the lab: %v", err)
	}
}

// TestConformList: the tests are listed without an address, those of a group if one is named.
func TestConformList(t *testing.T) {
	t.Parallel()
	all := decode[[]verdictLine](t, must(t, "conform", "--list", "--format", "json"))
	if len(all) != len(conformance.Tests()) {
		t.Errorf("%d tests are listed, there are %d", len(all), len(conformance.Tests()))
	}
	qrp := decode[[]verdictLine](t, must(t, "conform", "--list", "--only", "qrp", "--format", "json"))
	for _, l := range qrp {
		if !strings.HasPrefix(l.Test, "qrp/") {
			t.Errorf("--only qrp lists %s", l.Test)
		}
	}
	if len(qrp) == 0 || !strings.Contains(must(t, "conform", "--list"), qrp[0].Test) {
		t.Error("tests are not listed")
	}
}

func TestLookUp(t *testing.T) {
	t.Parallel()
	for hostPort, want := range map[string]string{
		"127.1.0.1:6346": "127.1.0.1:6346", "[2001:db8::1]:6346": "[2001:db8::1]:6346", "localhost:6346": "127.0.0.1:6346",
	} {
		if got, err := lookUp(t.Context(), hostPort); err != nil || got.String() != want {
			t.Errorf("%s is %v, %v; want %s", hostPort, got, err, want)
		}
	}
	for _, bad := range []string{"127.1.0.1", "", "127.1.0.1:port of a servent"} {
		if got, err := lookUp(t.Context(), bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

// TestServentConforms: a servent of this machine lets itself be tested, in either role: it bans nobody for coming too often.
func TestServentConforms(t *testing.T) {
	t.Parallel()
	for role, at := range map[string]string{"ultrapeer": "127.24.3.1:6346", "leaf": "127.24.3.2:6346"} {
		serve(t, at, "--role", role)
		r := run(t, "conform", at, "--scope", "lab", "--only", "handshake")
		if r.code != exitDone || !strings.Contains(r.stdout, " 0 fail") || strings.Contains(r.stdout, "too often") {
			t.Errorf("%s: exit %d\n%s%s", role, r.code, r.stdout, r.stderr)
		}
	}
}
