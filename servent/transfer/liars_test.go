package transfer

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"gnucensus/servent/urn"
)

// A liar serves another file under the URN of the true one.
type liar struct {
	content []byte
	forge   func(head string) string // changes the heads of the answers
}

// serveLies answers as a server of the content does, with changed heads.
func (l liar) serve(t *testing.T, name string) Source {
	t.Helper()
	s := NewServer(Config{Agent: "liar", Library: oneFile(t, name, l.content)})
	mine, tell := nameOf(l.content), l.forge
	return sourceOf(listen(t, func(ctx context.Context, c net.Conn) { s.Serve(ctx, &forger{Conn: c, mine: mine, forge: tell}) }))
}

// A forger lets a server believe that its own file is asked for, and changes what it answers.
type forger struct {
	net.Conn
	mine  string
	forge func(string) string
}

func (f *forger) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if i := bytes.Index(b[:n], []byte("urn:sha1:")); i >= 0 && i+len(f.mine) <= n {
		copy(b[i:], f.mine)
	}
	return n, err
}

func (f *forger) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("HTTP/1.1 ")) {
		_, err := f.Conn.Write([]byte(f.forge(string(b))))
		return len(b), err
	}
	return f.Conn.Write(b)
}

// without drops header lines from a head.
func without(head string, names ...string) string {
	lines := strings.SplitAfter(head, "\r\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(line, name+":") })
	}), "")
}

// TestLiars fetches from honest sources, and from one that sends wrong bytes in one way or another.
func TestLiars(t *testing.T) {
	t.Parallel()
	content, other := noise(3_000_000, 30), noise(3_000_000, 31)
	u, name := bitprint(content), nameOf(content)
	thex := "X-Thex-URI: /uri-res/N2X?" + name + ";" + u.Tiger.String() + "\r\n"
	pretends := func(head string) string { return strings.ReplaceAll(head, nameOf(other), name) }
	for what, c := range map[string]struct {
		job   urn.URN
		liar  liar
		fault error // nil: perhaps none
	}{
		"says that it is another file": {sha1Of(content), liar{other, func(h string) string { return h }}, ErrLiar},
		"says nothing of the file": {u, liar{other, func(h string) string {
			return without(h, "X-Gnutella-Content-URN", "X-Thex-URI")
		}}, ErrLiar},
		"has a tree of its own, and the true one was asked for": {u, liar{other, pretends}, ErrTree},
		"has a tree of its own":                                 {sha1Of(content), liar{other, pretends}, ErrLiar},
		"claims the true tree, and has its own": {sha1Of(content), liar{other, func(h string) string {
			return strings.Replace(without(pretends(h), "X-Thex-URI"), "X-Features", thex+"X-Features", 1)
		}}, ErrTree},
		"has another size": {sha1Of(content), liar{other[:2_000_000], func(h string) string {
			return without(h, "X-Gnutella-Content-URN", "X-Thex-URI")
		}}, ErrLiar},
		"sends bodies without an end": {sha1Of(content), liar{other, func(h string) string {
			return strings.Replace(without(h, "X-Gnutella-Content-URN", "X-Thex-URI", "Content-Length", "Content-Range"), "206 Partial Content", "200 OK", 1)
		}}, nil}, // others bring the tree before anybody notices

	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			job := Job{URN: c.job, Folder: t.TempDir(), Size: uint64(len(content))}
			lies := c.liar.serve(t, "file.bin")
			job.Sources = []Source{lies, whole(t, content), whole(t, content)}
			lied := make(chan struct{})
			end := sync.OnceFunc(func() { close(lied) })
			job.Dial = func(ctx context.Context, s Source) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr.String())
				if s == lies {
					return &closing{Conn: conn, close: end}, err
				}
				<-lied // so that nobody is faster than the liar
				return conn, err
			}
			r, err := Fetch(t.Context(), job)
			expectFile(t, job, r, err, content)
			if c.fault != nil && (len(r.Dropped) != 1 || r.Dropped[0].Source != lies || !errors.Is(r.Dropped[0].Err, c.fault)) {
				t.Errorf("dropped %v", r.Dropped)
			}
		})
	}
}

// A closing connection tells that it is closed.
type closing struct {
	net.Conn
	close func()
}

func (c *closing) Close() error {
	c.close()
	return c.Conn.Close()
}

// TestOnlyLiars fetches where nobody has the file: nothing may be left, and the reasons are told.
func TestOnlyLiars(t *testing.T) {
	t.Parallel()
	content, other := noise(700_000, 32), noise(700_000, 33)
	silent := liar{other, func(h string) string { return without(h, "X-Gnutella-Content-URN", "X-Thex-URI") }}
	for what, liars := range map[string][]Source{
		"one":           {silent.serve(t, "file.bin")},
		"two":           {silent.serve(t, "file.bin"), silent.serve(t, "file.bin")},
		"who has it no": {whole(t, other)},
	} {
		job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: liars}
		_, err := Fetch(t.Context(), job)
		if !errors.Is(err, ErrNoSources) || !errors.Is(err, ErrLiar) && !errors.Is(err, ErrGone) {
			t.Errorf("%s: %v", what, err)
		}
		if left := folder(t, job.Folder); len(left) != 0 {
			t.Errorf("%s: the folder holds %q", what, left)
		}
	}
}

// TestNoTree fetches from hosts without trees, of whom some lie: none can be told from the others before the end.
func TestNoTree(t *testing.T) {
	t.Parallel()
	content, other := noise(1_500_000, 34), noise(1_500_000, 35)
	plain := func(content []byte) Source {
		return liar{content, func(h string) string { return without(h, "X-Gnutella-Content-URN", "X-Thex-URI") }}.serve(t, "file.bin")
	}
	job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: []Source{plain(other), plain(content), plain(other)}}
	r, err := Fetch(t.Context(), job)
	expectFile(t, job, r, err, content)
}

// TestStubborn fetches where the first to be asked says something else of the file than the others, and then is busy for ever.
func TestStubborn(t *testing.T) {
	t.Parallel()
	content, other := noise(700_000, 49), noise(700_000, 50)
	for what, tell := range map[string]func(head string) string{
		"another tree": func(h string) string { return strings.ReplaceAll(h, nameOf(other), nameOf(content)) },
		"another size": func(h string) string {
			return strings.Replace(without(h, "X-Gnutella-Content-URN", "X-Thex-URI"), "Content-Length: 700000", "Content-Length: 700001", 1)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := NewServer(Config{Library: oneFile(t, "file.bin", other), Slots: 1})
			s.slots.free = 0
			stubborn := sourceOf(listen(t, func(ctx context.Context, c net.Conn) {
				s.Serve(ctx, &forger{Conn: c, mine: nameOf(other), forge: func(head string) string {
					if strings.HasPrefix(head, "HTTP/1.1 404") { // it never says that it has no tree
						head = strings.Replace(head, "404 Not Found", "503 Busy", 1)
					}
					return tell(head)
				}})
			}))
			asked := make(chan struct{})
			end := sync.OnceFunc(func() { close(asked) })
			job := Job{URN: sha1Of(content), Folder: t.TempDir(), Sources: []Source{stubborn, whole(t, content)}}
			job.Dial = func(ctx context.Context, s Source) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr.String())
				if s == stubborn {
					return &closing{Conn: conn, close: end}, err
				}
				<-asked
				return conn, err
			}
			r, err := Fetch(t.Context(), job)
			expectFile(t, job, r, err, content)
		})
	}
}

// TestHostileAnswers fetches from hosts that answer with anything, and from an honest one.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	content := noise(600_000, 48)
	u := bitprint(content)
	head := "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\n"
	for what, answer := range map[string]string{
		"nothing":             "",
		"no HTTP":             "SSH-2.0-OpenSSH\r\n\r\n",
		"an endless line":     strings.Repeat("x", 1<<20),
		"endless fields":      "HTTP/1.1 200 OK\r\n" + strings.Repeat("a: b\r\n", 1<<17),
		"another part":        head + "Content-Range: bytes 700000-700009/800000\r\n\r\n0123456789",
		"an earlier part":     head + "Content-Range: bytes 0-9/600000\r\n\r\n0123456789",
		"no part":             head + "Content-Range: bytes 9-0/600000\r\n\r\n0123456789",
		"other lengths":       head + "Content-Range: bytes 0-99/600000\r\n\r\n0123456789",
		"a huge part":         head + "Content-Range: bytes 0-18446744073709551615/18446744073709551616\r\n\r\n",
		"chunks without end":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("5\r\nhello\r\n", 1<<17),
		"a move to itself":    "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: /get/1/x\r\n\r\n",
		"a tree of nonsense":  "HTTP/1.1 200 OK\r\nContent-Length: 600000\r\nX-Thex-URI: /x;" + u.Tiger.String() + "\r\n\r\n",
		"a header of its own": "HTTP/1.1 200 OK\r\nContent-Length: 600000\r\nX-Thex-URI: /x y\r\n;" + u.Tiger.String() + "\r\n\r\n",
		"a refusal":           "HTTP/1.1 403 Forbidden\r\n\r\n<html>" + strings.Repeat("no ", 1000),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			hostile := listen(t, func(_ context.Context, c net.Conn) {
				defer c.Close()
				for buf := make([]byte, 4096); ; {
					if _, err := c.Read(buf); err != nil {
						return
					}
					if _, err := c.Write([]byte(answer)); err != nil || answer == "" {
						return
					}
				}
			})
			job := Job{URN: u, Folder: t.TempDir(), Sources: []Source{sourceOf(hostile), whole(t, content)}}
			r, err := Fetch(t.Context(), job)
			expectFile(t, job, r, err, content)
		})
	}
}
