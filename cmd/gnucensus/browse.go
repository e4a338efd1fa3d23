package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"gnucensus/servent/transfer"
	"gnucensus/servent/urn"
)

func (p *program) browseCommand() *cli.Command {
	return &cli.Command{
		Name:      "browse",
		Usage:     "list what a host shares",
		ArgsUsage: "HOST:PORT|magnet:…",
		Description: strings.TrimSpace(`
It asks the host for all its files, and prints them as they come: index, size in bytes, name, and a link for get where the host
tells the hash. A size that is only told roughly, on a page for people, is not printed. Hosts do not like to be browsed often:
gtk-gnutella answers once an hour. A host behind a firewall is named by the link to one of its files, as search prints it, and
called by PUSH.

Examples:
  gnucensus browse 127.80.0.1:6346
  gnucensus browse 127.80.0.1:6346 --format csv >files.csv
  gnucensus browse servent.example.org:6346 --format json
  gnucensus browse 'magnet:?xt=urn:sha1:…&xs=push://…:127.80.0.1:6346/uri-res/N2R?urn:sha1:…'`),
		Action: p.browse,
	}
}

func (p *program) browse(c *cli.Context) error {
	form, err := format(c, "table", "json", "csv")
	if err != nil {
		return err
	}
	host, err := readBrowse(c)
	if err != nil {
		return err
	}
	caller, err := p.openCaller(c.Context, nil, []transfer.Place{host}, transfer.Config{})
	if err != nil {
		return fmt.Errorf("browse: %w", err)
	}
	defer caller.close()
	list := newListing(p.stdout, form)
	software, err := caller.browse(c.Context, host, list.add)
	if end := list.end(); err == nil {
		err = end
	}
	switch {
	case err != nil && list.files > 0:
		return fmt.Errorf("after %s: %w", many(list.files, "file"), err)
	case err != nil:
		return err
	}
	fmt.Fprintf(p.talk, "%s of %v, %s\n", many(list.files, "file"), host, printable(software))
	return nil
}

// readBrowse reads which host is to be browsed: its address, or the first place of a link.
func readBrowse(c *cli.Context) (host transfer.Place, err error) {
	names, err := arguments(c, "HOST:PORT|magnet:…")
	if err != nil {
		return host, err
	}
	if !strings.HasPrefix(strings.ToLower(names[0]), "magnet:") {
		if host.Addr, err = lookUp(c.Context, names[0]); err != nil {
			return host, usage(hostHint, "browse: %w", err)
		}
		return host, nil
	}
	link, err := transfer.ParseMagnet(names[0])
	switch {
	case err != nil:
		return host, usage("", "browse: %w", err)
	case len(link.Places) == 0:
		return host, usage("Links as search prints them do.", "browse: the link names no host")
	}
	return link.Places[0], nil
}

// A listing is the files of a host, printed as they come.
type listing struct {
	w     io.Writer
	csv   *csv.Writer
	form  string
	files int
}

func newListing(w io.Writer, form string) *listing {
	l := &listing{w: w, csv: csv.NewWriter(w), form: form}
	if form == "csv" {
		l.csv.Write([]string{"index", "bytes", "name", "urn", "magnet"}) // its error is that of Flush
	}
	return l
}

// listingLayout has room for what is usual.
const listingLayout = "%8v  %12v  %s\n"

// add prints a file.
func (l *listing) add(f transfer.Found) error {
	var index, size, name any // nil where it is not told
	if f.Index > 0 {
		index = f.Index
	}
	if f.Size != nil {
		size = *f.Size
	}
	if f.URN != (urn.URN{}) {
		name = f.URN.String()
	}
	l.files++
	switch l.form {
	case "json":
		return writeJSON(l.w, facts{{"index", index}, {"bytes", size}, {"name", f.Name}, {"urn", name}, {"magnet", magnet(f)}})
	case "csv":
		return l.csv.Write([]string{cell(index), cell(size), printable(f.Name), cell(name), cell(magnet(f))})
	}
	if l.files == 1 {
		fmt.Fprintf(l.w, listingLayout, "index", "bytes", "name")
	}
	_, err := fmt.Fprintf(l.w, listingLayout+"%s", orDash(index), orDash(size), printable(f.Name), magnetLine(f))
	return err
}

// end prints what has not been printed yet.
func (l *listing) end() error {
	l.csv.Flush()
	return l.csv.Error()
}

// cell is a value as CSV has it, empty for none.
func cell(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// orDash is a value as a table has it.
func orDash(v any) any {
	if v == nil {
		return "–"
	}
	return v
}

// magnet is the link to a file, nil where its hash is not known.
func magnet(f transfer.Found) any {
	if f.URN == (urn.URN{}) {
		return nil
	}
	return f.Magnet().String()
}

// magnetLine is the link as a line of its own, below the file, empty where there is none.
func magnetLine(f transfer.Found) string {
	link := magnet(f)
	if link == nil {
		return ""
	}
	return fmt.Sprintf("    %s\n", link)
}
