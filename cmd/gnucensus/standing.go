package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"gnucensus/servent"
	"gnucensus/servent/library"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
)

// A standing is where a running servent stands.
type standing struct {
	node   *servent.Node
	shared *library.Library
	began  time.Time
}

func (s *standing) progress() (done, of int64) { return int64(s.node.Stats().Queries), -1 }

// String is the standing in a line.
func (s *standing) String() string {
	links := map[servent.Role]int{}
	for _, l := range s.node.Links() {
		links[l.Role]++
	}
	seen := s.node.Stats()
	return fmt.Sprintf("up %v, %s: ultrapeers %d, leaves %d, files %d, queries %d, routes %d, hits sent %d",
		time.Since(s.began).Round(time.Second), s.node.Role(), links[servent.Ultrapeer], links[servent.Leaf], s.shared.Files(),
		seen.Queries, seen.Routes, seen.Hits)
}

// facts are the same as an event.
func (s *standing) facts() facts {
	seen := s.node.Stats()
	links := []facts{}
	for _, l := range s.node.Links() {
		links = append(links, facts{
			{"addr", l.Addr}, {"remote", l.Remote}, {"role", l.Role}, {"agent", l.Agent}, {"since", l.Since},
			{"bytes_sent", l.WireSent}, {"bytes_received", l.WireReceived},
			{"messages_sent", messages(l.Sent)}, {"messages_received", messages(l.Received)},
			{"messages_dropped", messages(l.Dropped)}, {"duplicates", l.Duplicates}, {"congested", l.Congested},
		})
	}
	return facts{
		{"role", s.node.Role()}, {"files", s.shared.Files()}, {"queries", seen.Queries}, {"routes", seen.Routes},
		{"hits_sent", seen.Hits}, {"links", links},
	}
}

// messages adds the messages of all types.
func messages(counts map[message.Type]link.Count) (n uint64) {
	for _, c := range counts {
		n += c.Messages
	}
	return n
}

// page is the standing on a screen of so many lines: the line, and below it the links.
func (s *standing) page(lines int) string {
	var b bytes.Buffer
	fmt.Fprintln(&b, s)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "link\trole\tup\tsent\treceived\tagent")
	links := s.node.Links()
	for i, l := range links {
		if i+4 > lines && i+1 < len(links) {
			fmt.Fprintf(t, "and %d more\n", len(links)-i)
			break
		}
		at := l.Addr
		if !at.IsValid() {
			at = l.Remote
		}
		fmt.Fprintf(t, "%v\t%s\t%v\t%s\t%s\t%s\n", at, l.Role, time.Since(l.Since).Round(time.Second),
			traffic(l.WireSent), traffic(l.WireReceived), shorten(printable(l.Agent), agentWidth))
	}
	t.Flush() // a buffer takes it all
	return b.String()
}

// traffic writes a number of bytes.
func traffic(bytes uint64) string { return fmt.Sprintf("%.1f KiB", float64(bytes)/1024) }

// agentWidth is how much of an agent there is room for, in characters.
const agentWidth = 24

// showNode shows where a node stands until ctx ends: among its events, as a page on a terminal, or in lines.
func (p *program) showNode(ctx context.Context, s *standing, e *events) {
	switch {
	case e != nil:
		e.print(ctx, s)
	case p.talk.sized:
		p.talk.pages(ctx, s.page)
	default:
		p.talk.show(ctx, s)
	}
}

// The size of a terminal that does not tell it.
const (
	pageWidth = 80
	pageLines = 24
)

// sizeOf returns the size of a terminal, and whether it tells it.
func sizeOf(w io.Writer) (width, lines int, told bool) {
	if f, ok := w.(*os.File); ok {
		if width, lines, err := term.GetSize(int(f.Fd())); err == nil && width > 0 && lines > 0 {
			return width, lines, true
		}
	}
	return pageWidth, pageLines, false
}

// fit cuts the lines of a page to the width of a terminal: one that goes on in the next line would be counted as one.
func fit(page string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		if r := []rune(strings.TrimSuffix(line, "\n")); len(r) >= width {
			line = string(r[:width-1]) + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// pages shows a page on the terminal, each time in the place of the one before, until ctx ends. What is said meanwhile stays
// above it.
func (t *talk) pages(ctx context.Context, page func(lines int) string) {
	screen := &overlay{w: t.through(io.Discard)}
	t.through(screen)
	defer t.through(screen.w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		width, lines, _ := sizeOf(screen.w)
		screen.show(fit(page(lines), width))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// An overlay is a terminal with a page at its end.
type overlay struct {
	mu   sync.Mutex
	w    io.Writer
	page string
}

// erase is what takes the page from the screen.
func (o *overlay) erase() string {
	if o.page == "" {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\x1b[J", strings.Count(o.page, "\n"))
}

func (o *overlay) show(page string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprint(o.w, o.erase(), page)
	o.page = page
}

// Write writes above the page.
func (o *overlay) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, err := fmt.Fprint(o.w, o.erase(), string(b), o.page)
	return len(b), err
}
