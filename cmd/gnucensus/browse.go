package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/servent/transfer"
	"gnucensus/servent/urn"
)

func (p *program) browseCommand() *cli.Command {
	return &cli.Command{
		Name:      "browse",
		Usage:     "list what a host shares",
		ArgsUsage: "HOST:PORT",
		Description: strings.TrimSpace(`
It asks the host for all its files, and prints them as they come: index, size in bytes, name, and a link for get where the host
tells the hash. A size that is only told roughly, on a page for people, is not printed. Hosts do not like to be browsed often:
gtk-gnutella answers once an hour.

Examples:
  gnucensus browse 127.80.0.1:6346
  gnucensus browse 127.80.0.1:6346 --format csv >files.csv
  gnucensus browse servent.example.org:6346 --format json`),
		Action: p.browse,
	}
}

// connectWait is how long a connection to a host may take.
const connectWait = 10 * time.Second

func (p *program) browse(c *cli.Context) error {
	form, err := format(c, "table", "json", "csv")
	if err != nil {
		return err
	}
	names, err := arguments(c, "HOST:PORT")
	if err != nil {
		return err
	}
	host, err := lookUp(c.Context, names[0])
	if err != nil {
		return usage(hostHint, "browse: %w", err)
	}
	list := newListing(p.stdout, form)
	software, err := browseHost(c.Context, host, list.add)
	if end := list.end(); err == nil {
		err = end
	}
	if err != nil {
		return fmt.Errorf("after %s: %w", many(list.files, "file"), err)
	}
	fmt.Fprintf(p.talk, "%s of %v, %s\n", many(list.files, "file"), host, printable(software))
	return nil
}

// browseHost connects to a host and browses it.
func browseHost(ctx context.Context, host netip.AddrPort, take func(transfer.Found) error) (software string, err error) {
	d := net.Dialer{Timeout: connectWait}
	conn, err := d.DialContext(ctx, "tcp", host.String())
	if err != nil {
		return "", err // it names the operation and the address
	}
	defer conn.Close()
	return transfer.Browse(ctx, conn, host, agent(), take)
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
