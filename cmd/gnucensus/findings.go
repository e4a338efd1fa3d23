package main

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"gnucensus/servent"
	"gnucensus/servent/transfer"
)

// Findings are the results of a search, printed as they come.
type findings struct {
	w       io.Writer
	form    string
	began   time.Time
	first   time.Duration // until the first hit
	hits    int
	results int
	hosts   map[netip.AddrPort]bool
}

func newFindings(w io.Writer, form string) *findings {
	return &findings{w: w, form: form, began: time.Now(), hosts: make(map[netip.AddrPort]bool)}
}

// findingLayout has room for what is usual; a longer cell only moves those after it.
const findingLayout = "%8s  %4v  %-11s  %-21v  %12v  %s\n"

// add prints the results of a hit.
func (f *findings) add(h servent.Hit) error {
	if f.hits++; f.hits == 1 {
		f.first = h.Delay
		if f.form != "json" {
			fmt.Fprintf(f.w, findingLayout, "delay", "hops", "path", "responder", "bytes", "name")
		}
	}
	f.results += len(h.Results)
	f.hosts[h.Responder] = true
	var code string
	if trailer, ok := h.QHD(); ok {
		code = printable(string(trailer.Vendor[:]))
	}
	for _, r := range transfer.List(h.QueryHit) {
		var err error
		if f.form == "json" {
			err = writeJSON(f.w, facts{
				{"delay_ms", h.Delay.Milliseconds()}, {"hops", h.Hops}, {"path", h.Path}, {"responder", h.Responder},
				{"vendor", code}, {"index", r.Index}, {"bytes", r.Size}, {"name", r.Name}, {"magnet", magnet(r)},
			})
		} else {
			_, err = fmt.Fprintf(f.w, findingLayout+"%s", seconds(h.Delay), h.Hops, h.Path, h.Responder, *r.Size, printable(r.Name),
				magnetLine(r))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end prints the summary.
func (f *findings) end() error {
	took := time.Since(f.began)
	var first any
	if f.hits > 0 {
		first = f.first.Milliseconds()
	}
	if f.form == "json" {
		return writeJSON(f.w, facts{
			{"results", f.results}, {"hits", f.hits}, {"hosts", len(f.hosts)}, {"first_ms", first}, {"took_ms", took.Milliseconds()},
		})
	}
	if f.hits == 0 {
		_, err := fmt.Fprintf(f.w, "no results in %s\n", seconds(took))
		return err
	}
	_, err := fmt.Fprintf(f.w, "%s in %s of %s, the first after %s, in %s\n",
		many(f.results, "result"), many(f.hits, "hit"), many(len(f.hosts), "host"), seconds(f.first), seconds(took))
	return err
}

// many writes a number of things.
func many[N int | int64 | uint64](n N, thing string) string {
	stem, y := strings.CutSuffix(thing, "y")
	switch {
	case n == 1:
	case y && !strings.HasSuffix(stem, "a"):
		thing = stem + "ies"
	default:
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }
