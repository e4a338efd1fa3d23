package handshake

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parseHead parses a head that is complete in b.
func parseHead(tb testing.TB, prefix string, b []byte) head {
	tb.Helper()
	p := parser{prefix: prefix, limits: diallerLimits}
	done, err := p.parse(b)
	if err != nil || !done || p.pos != len(b) {
		tb.Fatalf("parse %q: done %v, %d of %d bytes, %v", b, done, p.pos, len(b), err)
	}
	return p.head
}

func TestCapturedHeads(t *testing.T) {
	t.Parallel()
	folded := 0
	for _, v := range vectors(t) {
		h := parseHead(t, v.prefix(), v.raw)
		again := h.append(nil)
		if bytes.Contains(v.raw, []byte("\n\t")) {
			folded++
			if diff := cmp.Diff(h.fields, parseHead(t, v.prefix(), again).fields); diff != "" {
				t.Errorf("%s: fields after append and parse (-first +second):\n%s", v.source, diff)
			}
			continue
		}
		if !bytes.Equal(again, v.raw) {
			t.Errorf("%s: parsed and appended again:\n%q\nwant:\n%q", v.source, again, v.raw)
		}
	}
	if folded == 0 {
		t.Error("no folded head among the vectors")
	}
}

// A prefix of a head is an incomplete head, however it arrived.
func TestCapturedPrefixes(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		growing := parser{prefix: v.prefix(), limits: diallerLimits}
		for n := range v.raw {
			whole := parser{prefix: v.prefix(), limits: diallerLimits}
			if done, err := whole.parse(v.raw[:n]); done || err != nil {
				t.Fatalf("%s: %d of %d bytes: done %v, %v", v.source, n, len(v.raw), done, err)
			}
			if done, err := growing.parse(v.raw[:n]); done || err != nil {
				t.Fatalf("%s: %d of %d bytes, one by one: done %v, %v", v.source, n, len(v.raw), done, err)
			}
		}
		if done, err := growing.parse(v.raw); !done || err != nil {
			t.Fatalf("%s: all bytes, one by one: done %v, %v", v.source, done, err)
		}
		if diff := cmp.Diff(parseHead(t, v.prefix(), v.raw).fields, growing.head.fields); diff != "" {
			t.Errorf("%s: fields (-at once +one by one):\n%s", v.source, diff)
		}
	}
}

func TestParseTolerantly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want Fields
	}{
		"no fields":         {"GNUTELLA/0.6 200 OK\r\n\r\n", nil},
		"LF alone":          {"GNUTELLA/0.6 200 OK\nA: 1\nB: 2\n\n", Fields{{"A", "1"}, {"B", "2"}}},
		"no blank":          {"GNUTELLA/0.6 200 OK\r\nA:1\r\n\r\n", Fields{{"A", "1"}}},
		"many blanks":       {"GNUTELLA/0.6 200 OK\r\nA \t: \t 1 \t\r\n\r\n", Fields{{"A", "1"}}},
		"empty value":       {"GNUTELLA/0.6 593 Hi\r\nLeaves: \r\n\r\n", Fields{{"Leaves", ""}}},
		"colon in value":    {"GNUTELLA/0.6 200 OK\r\nNode: [::1]:6346\r\n\r\n", Fields{{"Node", "[::1]:6346"}}},
		"folded by blank":   {"GNUTELLA/0.6 200 OK\r\nA: 1,\r\n   2\r\nB: 3\r\n\r\n", Fields{{"A", "1, 2"}, {"B", "3"}}},
		"folded by TAB":     {"GNUTELLA/0.6 200 OK\r\nA: 1,\r\n\t2,\r\n\t3\r\n\r\n", Fields{{"A", "1, 2, 3"}}},
		"folded from start": {"GNUTELLA/0.6 200 OK\r\nA:\r\n\t1\r\n\r\n", Fields{{"A", "1"}}},
		"folded nothing":    {"GNUTELLA/0.6 200 OK\r\nA: 1\r\n \r\n\r\n", Fields{{"A", "1"}}},
		"repeated":          {"GNUTELLA/0.6 200 OK\r\nA: 1\r\na: 2\r\nA: 3\r\n\r\n", Fields{{"A", "1"}, {"a", "2"}, {"A", "3"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, parseHead(t, replyPrefix, []byte(test.text)).fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want error
		says string
	}{
		"HTTP":            {"HTTP/1.1 400 Bad Request\r\n", ErrMalformed, "HTTP/1.1 400"},
		"wrong letter":    {"GNUTELLO", ErrMalformed, "GNUTELLO"},
		"binary":          {"\x16\x03\x01\x02\x00", ErrMalformed, `\x16\x03\x01`},
		"empty line":      {"\r\n", ErrMalformed, "first line"},
		"no colon":        {"GNUTELLA/0.6 200 OK\r\nA: 1\r\nHello\r\n", ErrMalformed, `line 3: no field in "Hello"`},
		"no name":         {"GNUTELLA/0.6 200 OK\r\n: 1\r\n", ErrMalformed, "line 2"},
		"fold of nothing": {"GNUTELLA/0.6 200 OK\r\n 1\r\n", ErrMalformed, "line 2: continues no field"},
		"first line":      {"GNUTELLA/0.6 200 " + strings.Repeat("a", 1024), ErrTooLong, "more than 1024 bytes"},
		"endless line":    {"GNUTELLA/0.6 200 OK\r\nA: " + strings.Repeat("a", 64<<10), ErrTooLong, "more than 65536 bytes"},
		"endless fields":  {"GNUTELLA/0.6 200 OK\r\n" + strings.Repeat("A: 1\r\n", 300), ErrTooLong, "more than 256 lines"},
		"endless folds":   {"GNUTELLA/0.6 200 OK\r\nA: 1\r\n" + strings.Repeat(" 1\r\n", 300), ErrTooLong, "more than 256 lines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := parser{prefix: replyPrefix, limits: diallerLimits}
			_, err := p.parse([]byte(test.text))
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %v that says %q", err, test.want, test.says)
			}
		})
	}
}

// The limits themselves are within bounds.
func TestLimitsAreInclusive(t *testing.T) {
	t.Parallel()
	first := "GNUTELLA/0.6 200 OK\r\n"
	longest := first + "A: " + strings.Repeat("a", acceptorLimits.bytes-len(first)-7) + "\r\n\r\n"
	most := first + strings.Repeat("A: 1\r\n", acceptorLimits.lines-2) + "\r\n"
	for _, text := range []string{longest, most} {
		p := parser{prefix: replyPrefix, limits: acceptorLimits}
		if done, err := p.parse([]byte(text)); !done || err != nil {
			t.Errorf("head of %d bytes: done %v, %v", len(text), done, err)
		}
		p = parser{prefix: replyPrefix, limits: acceptorLimits}
		if _, err := p.parse([]byte(strings.Replace(text, "\r\nA", "\r\nB: 1\r\nA", 1))); !errors.Is(err, ErrTooLong) {
			t.Errorf("head with a line more than the limit: error %v, want ErrTooLong", err)
		}
	}
}

func TestParseStatus(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]Reply{
		"GNUTELLA/0.6 200 OK":                         {Code: 200, Reason: "OK"},
		"GNUTELLA/0.6 503 Too many leaves (25 max)":   {Code: 503, Reason: "Too many leaves (25 max)"},
		"GNUTELLA/0.6 593":                            {Code: 593},
		"GNUTELLA/0.6   204   Shielded leaf node  \t": {Code: 204, Reason: "Shielded leaf node"},
	} {
		code, reason, err := parseStatus(line)
		if code != want.Code || reason != want.Reason || err != nil {
			t.Errorf("parseStatus(%q) = %d, %q, %v", line, code, reason, err)
		}
	}
	for _, line := range []string{"GNUTELLA/", "GNUTELLA/0.6", "GNUTELLA/0.6 OK", "GNUTELLA/0.6 20 OK", "GNUTELLA/0.6 +20 OK"} {
		if _, _, err := parseStatus(line); !errors.Is(err, ErrMalformed) {
			t.Errorf("parseStatus(%q): error %v, want ErrMalformed", line, err)
		}
	}
}

// What we send cannot smuggle in another field.
func TestAppendKeepsLinesApart(t *testing.T) {
	t.Parallel()
	sent := head{line: "GNUTELLA/0.6 200 OK\r\nX: 1", fields: Fields{{"A\nB", "1\r\nC: 2\n\n"}}}
	got := parseHead(t, replyPrefix, sent.append(nil))
	if len(got.fields) != 1 {
		t.Errorf("fields %q, want a single one", got.fields)
	}
}

// A line break in a value is how a sender folds a field.
func TestAppendFolds(t *testing.T) {
	t.Parallel()
	sent := head{line: "GNUTELLA/0.6 503 Full", fields: Fields{{"X-Try", "192.0.2.1:1,\n192.0.2.2:2"}}}.append(nil)
	if want := "GNUTELLA/0.6 503 Full\r\nX-Try: 192.0.2.1:1,\r\n\t192.0.2.2:2\r\n\r\n"; string(sent) != want {
		t.Errorf("appended %q, want %q", sent, want)
	}
	if got := parseHead(t, replyPrefix, sent).fields.Get("X-Try"); got != "192.0.2.1:1, 192.0.2.2:2" {
		t.Errorf("value %q", got)
	}
}

func FuzzHead(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.raw)
	}
	f.Add([]byte("GNUTELLA/0.6 200 OK\nA:1\n B\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := parser{prefix: "GNUTELLA", limits: acceptorLimits}
		done, err := p.parse(b)
		if done && err != nil || done && p.pos > min(len(b), acceptorLimits.bytes) {
			t.Fatalf("done %v, %d of %d bytes, %v", done, p.pos, len(b), err)
		}
		if !done {
			return
		}
		again := p.head.append(nil)
		if diff := cmp.Diff(p.head.fields, parseHead(t, "GNUTELLA", again).fields); diff != "" {
			t.Errorf("fields after append and parse (-first +second):\n%s", diff)
		}
		if twice := parseHead(t, "GNUTELLA", again).append(nil); !bytes.Equal(again, twice) {
			t.Errorf("appended %q, then %q", again, twice)
		}
	})
}
