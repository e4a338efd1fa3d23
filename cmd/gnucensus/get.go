package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/servent/transfer"
	"gnucensus/servent/urn"
)

func (p *program) getCommand() *cli.Command {
	return &cli.Command{
		Name:      "get",
		Usage:     "fetch a file from all who have it",
		ArgsUsage: "URN|magnet:…|HOST:PORT/INDEX",
		Description: strings.TrimSpace(`
It fetches a file that is named by its hash, by a link as browse and search print it, or by its number on a host. Hosts that a
link names are asked first; with --via, ultrapeers are asked for more, and a bare hash needs that. Hosts behind firewalls are
called by PUSH. Parts come from several hosts at once, each is verified where one of them has the hash tree, and the whole by its
SHA-1. What has come is kept when it ends early, and the same command goes on from there. No file is overwritten.

With --via, and while hosts are called, others may fetch the verified parts from here meanwhile.

Examples:
  gnucensus get 'magnet:?xt=urn:sha1:…&xs=http://127.80.0.2:6346/uri-res/N2R?urn:sha1:…'
  gnucensus get 127.80.0.2:6346/1 --out ~/music --limit 500K
  gnucensus get urn:sha1:7YC3ZXG4JEUACJ4BUXY2FJ34XNJZRYIG --via 127.80.0.1:6346`),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Value: ".", Usage: "put the file into the folder `DIR`"},
			&cli.StringFlag{Name: "limit", DefaultText: "no limit",
				Usage: "fetch at `RATE` bytes a second at most, such as 500K, and send others what is there at no more"},
			&cli.StringSliceFlag{Name: "via", Usage: "look for hosts that have it through the ultrapeer `HOST:PORT`; may be repeated"},
		},
		Action: p.get,
	}
}

// getSettings are what the command line says.
type getSettings struct {
	File  transfer.Magnet // without URN: it is the one of the host below
	Host  netip.AddrPort
	Index uint32
	Out   string
	Limit int // bytes a second; 0: none
	Via   []netip.AddrPort
}

const getHint = "A file is named by urn:sha1:…, by a magnet link, or by HOST:PORT/INDEX, as browse prints them."

func readGet(c *cli.Context) (s getSettings, err error) {
	names, err := arguments(c, "URN|magnet:…|HOST:PORT/INDEX")
	if err != nil {
		return s, err
	}
	s.Out = c.String("out")
	if s.Limit, err = readRate("limit", c.String("limit")); err != nil {
		return s, err
	}
	if s.Via, err = readHosts(c.Context, "via", c.StringSlice("via")); err != nil {
		return s, err
	}
	switch what := names[0]; {
	case strings.HasPrefix(strings.ToLower(what), "magnet:"):
		s.File, err = transfer.ParseMagnet(what)
	case strings.HasPrefix(strings.ToLower(what), "urn:"):
		s.File.URN, err = urn.Parse(what)
	default:
		s.Host, s.Index, err = readNumbered(c.Context, what)
	}
	switch {
	case err != nil:
		return s, usage(getHint, "get: %w", err)
	case s.Host.IsValid() || len(s.File.Places) > 0:
		return s, nil
	case len(s.Via) == 0:
		return s, usage("Name an ultrapeer by --via HOST:PORT, which is asked who has it.", "get: nothing says who has the file")
	case s.File.URN.SHA1 == nil:
		return s, usage("", "get: a search for %s needs its SHA-1", s.File.URN)
	}
	return s, nil
}

// readNumbered reads HOST:PORT/INDEX.
func readNumbered(ctx context.Context, text string) (host netip.AddrPort, index uint32, err error) {
	name, digits, _ := strings.Cut(text, "/")
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n == 0 {
		return host, 0, fmt.Errorf("%q names no file", text)
	}
	host, err = lookUp(ctx, name)
	return host, uint32(n), err
}

// get fetches one file.
func (p *program) get(c *cli.Context) error {
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	s, err := readGet(c)
	if err != nil {
		return err
	}
	caller, err := p.openCaller(c.Context, s.Via, s.File.Places, transfer.Config{Rate: s.Limit})
	if err != nil {
		return fmt.Errorf("get: %w", err)
	}
	defer caller.close()
	if s.Host.IsValid() {
		if s.File, err = caller.numbered(c.Context, s.Host, s.Index); err != nil {
			return err
		}
	}
	size := uint64(0) // as hits tell it
	if len(s.Via) > 0 && s.File.URN.SHA1 != nil {
		if size, err = caller.search(c.Context, &s.File); err != nil {
			return err
		}
	}
	result, err := p.fetch(c.Context, s, size, caller)
	if err != nil {
		return explainFetch(c.Context, err)
	}
	return result.print(p.stdout, form)
}

// fetch fetches a file from where it is, and shows how far it has come; size is what it is taken to be until that is known.
func (p *program) fetch(ctx context.Context, s getSettings, size uint64, caller *caller) (facts, error) {
	job := transfer.Job{
		URN: s.File.URN, Name: s.File.Name, Folder: s.Out, Rate: s.Limit, Agent: agent(), Dial: caller.dial, Log: p.log,
		Mesh: &caller.mesh, Partials: &caller.parts, Own: caller.own,
	}
	if s.File.Size != nil {
		job.Size, size = *s.File.Size, *s.File.Size
	}
	for _, place := range s.File.Places {
		job.Sources = append(job.Sources, caller.source(place))
	}
	standing := newFetching(size)
	job.Progress = standing.note
	var result *transfer.Result
	began := time.Now()
	err := p.talk.during(ctx, standing, func() (err error) {
		result, err = transfer.Fetch(ctx, job)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, d := range result.Dropped {
		fmt.Fprintf(p.talk, "%v dropped: %s\n", d.Source, printable(d.Err.Error()))
	}
	return facts{
		{"file", result.Path}, {"bytes", result.Size}, {"urn", result.URN.String()}, {"verified", result.Verified},
		{"seconds", time.Since(began).Seconds()},
	}, nil
}

// explainFetch says what to do about a fetch that failed.
func explainFetch(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return advise(ctx.Err(), "The same command goes on from where it was.")
	case errors.Is(err, fs.ErrExist):
		return advise(err, "Move that file away, or name another folder by --out.")
	case errors.Is(err, fs.ErrNotExist):
		return advise(err, "Make the folder first, or name another by --out.")
	case errors.Is(err, transfer.ErrNoSources):
		return advise(err, "What has come is kept. More hosts may be found by --via HOST:PORT.")
	}
	return err
}
