package transfer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/message"
)

// Bounds of what a host lists.
const (
	maxListing = 32 << 20 // bytes, deflated or not
	maxLink    = 4096     // bytes, with its name
	browseStep = time.Minute
)

// Errors of a browse.
var (
	ErrNoBrowse    = errors.New("does not let itself be browsed")
	ErrLongListing = errors.New("lists more than is read")
)

// Browse asks a host for all its files, on a connection to it, and hands each over as it comes: it reads QUERY HITs, and a page where
// the host has nothing else. It returns what the host calls itself. An error of take ends it. The error of a host that refuses is
// [ErrNoBrowse] or tells its answer.
func Browse(ctx context.Context, c net.Conn, host netip.AddrPort, agent string, take func(Found) error) (software string, err error) {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if software, err = browse(c, host, agent, take); err != nil {
		err = errors.Join(ctx.Err(), fmt.Errorf("browse %v: %w", host, err))
	}
	return software, err
}

func browse(c net.Conn, host netip.AddrPort, agent string, take func(Found) error) (software string, err error) {
	if err := c.SetWriteDeadline(time.Now().Add(browseStep)); err != nil {
		return "", err
	}
	_, err = c.Write(appendHead(nil, "GET / HTTP/1.1", handshake.Fields{
		{Name: "Host", Value: host.String()}, {Name: "User-Agent", Value: agent},
		{Name: "Accept", Value: typePackets + ", " + typeHTML}, {Name: "Accept-Encoding", Value: "deflate"},
		{Name: "X-Features", Value: "browse/1.0"}, {Name: "Connection", Value: "close"},
	}))
	if err != nil {
		return "", fmt.Errorf("send request: %w", err)
	}
	r := bufio.NewReader(patient{c})
	answer, err := readResponse(r)
	if err != nil {
		return "", fmt.Errorf("read answer: %w", err)
	}
	software = answer.header.Get("Server")
	switch answer.code {
	case http.StatusOK:
	case http.StatusForbidden, http.StatusNotFound, http.StatusNotAcceptable, http.StatusNotImplemented:
		return software, fmt.Errorf("answered %d %.40q: %w", answer.code, answer.reason, ErrNoBrowse)
	default:
		return software, fmt.Errorf("answered %d %.40q%s", answer.code, answer.reason, again(answer))
	}
	list, err := listing(r, answer)
	if err != nil {
		return software, err
	}
	if strings.HasPrefix(strings.ToLower(answer.header.Get("Content-Type")), typePackets) {
		return software, readHits(list, take)
	}
	return software, readPage(list, host, take)
}

// again tells when a host wants to be asked again.
func again(answer *response) string {
	if seconds, err := strconv.ParseUint(answer.header.Get("Retry-After"), 10, 31); err == nil {
		return fmt.Sprintf(", wants to be asked again after %v", time.Duration(seconds)*time.Second)
	}
	return ""
}

// patient reads from a connection that must go on.
type patient struct{ net.Conn }

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(browseStep)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// listing is the body of an answer, unpacked, and as much of it as is read.
func listing(r io.Reader, answer *response) (io.Reader, error) {
	if n, err := strconv.ParseUint(answer.header.Get("Content-Length"), 10, 63); err == nil {
		r = io.LimitReader(r, int64(n))
	}
	if strings.EqualFold(answer.header.Get("Transfer-Encoding"), "chunked") {
		r = httputil.NewChunkedReader(r)
	}
	r = &bounded{r: r, left: maxListing}
	switch encoding := strings.ToLower(answer.header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return r, nil
	case "deflate":
		z, err := zlib.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("inflate: %w", err)
		}
		return &bounded{r: z, left: maxListing}, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("inflate: %w", err)
		}
		return &bounded{r: z, left: maxListing}, nil
	default:
		return nil, fmt.Errorf("encoding %.20q: %w", encoding, errHead)
	}
}

// A bounded reader ends with an error where it would end otherwise.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, ErrLongListing
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// readHits reads QUERY HITs until the end. Other messages are passed over.
func readHits(r io.Reader, take func(Found) error) error {
	r = bufio.NewReaderSize(r, 64<<10)
	head := make([]byte, message.HeaderLen)
	for {
		if _, err := io.ReadFull(r, head); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read hit: %w", err)
		}
		h, err := message.ParseHeader(head)
		if err != nil {
			return fmt.Errorf("read hit: %w", err)
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return fmt.Errorf("read hit: %w", unexpected(err))
		}
		body, err := message.Parse(h.Type, payload)
		if err != nil {
			return fmt.Errorf("read hit: %w", err)
		}
		hit, ok := body.(*message.QueryHit)
		if !ok {
			continue
		}
		for _, found := range List(hit) {
			if err := take(found); err != nil {
				return err
			}
		}
	}
}

// pageSize is an exact size among what follows a link. Rounded ones, in KiB and more, are not.
var pageSize = regexp.MustCompile(`(?i)(?:^|[^0-9.,-])([0-9]{1,15})[\s\x{a0}]*bytes?\b`)

// readPage reads a page for people: every link to a file, and its size where that is told exactly.
func readPage(r io.Reader, at netip.AddrPort, take func(Found) error) error {
	page, readErr := io.ReadAll(r)
	for rest := page; ; {
		var link, text, after []byte
		var found bool
		if _, rest, found = bytes.Cut(rest, []byte(`<a href="`)); !found {
			break
		}
		link, rest, _ = bytes.Cut(rest, []byte(`">`))
		text, rest, _ = bytes.Cut(rest, []byte("</a>"))
		if after, _, found = bytes.Cut(rest, []byte("<")); !found || len(link)+len(text)+len(after) > maxLink {
			continue
		}
		file, ok := readLink(string(link), string(text), string(after))
		if !ok {
			continue
		}
		file.Addr = at
		if err := take(file); err != nil {
			return err
		}
	}
	if readErr != nil {
		return fmt.Errorf("read page: %w", readErr)
	}
	return nil
}

// readLink reads a link of a page, and tells whether it leads to a file.
func readLink(link, text, after string) (f Found, ok bool) {
	t, ok := parseTarget(html.UnescapeString(link))
	if !ok || t.service != byIndex && t.service != byURN {
		return Found{}, false
	}
	f.URN, f.Index, f.Name = t.urn, t.index, html.UnescapeString(text)
	if told := pageSize.FindStringSubmatch(html.UnescapeString(after)); told != nil {
		size, err := strconv.ParseUint(told[1], 10, 63)
		if err == nil {
			f.Size = &size
		}
	}
	return f, true
}
