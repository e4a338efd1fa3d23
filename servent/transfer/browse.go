package transfer

import (
	"bufio"
	"compress/zlib"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// Media types of bodies.
const (
	typePackets = "application/x-gnutella-packets"
	typeHTML    = "text/html"
	typeDIME    = "application/dime"
)

// browseResults is how many results one hit of a browse host has. LimeWire passes over hits with more.
const browseResults = 10

// answerBrowse answers a request for all files, with QUERY HITs for who accepts them and else with a page. It takes a slot, as
// an upload does.
func (v *visit) answerBrowse(req *request) error {
	accept := strings.ToLower(req.header.Get("Accept"))
	packets := strings.Contains(accept, typePackets) && v.cfg.Hit != nil
	if !packets && accept != "" && !strings.Contains(accept, typeHTML) && !strings.Contains(accept, "*/*") {
		return v.refuse(http.StatusNotAcceptable)
	}
	changed := v.cfg.Library.Changed()
	since, err := http.ParseTime(req.header.Get("If-Modified-Since"))
	if err == nil && !changed.IsZero() && !changed.Truncate(time.Second).After(since) {
		return v.refuse(http.StatusNotModified)
	}
	var fields handshake.Fields
	if !changed.IsZero() {
		fields = append(fields, handshake.Field{Name: "Last-Modified", Value: changed.UTC().Format(http.TimeFormat)})
	}
	chunked := req.minor > 0 && (v.keep || !packets) // LimeWire, which closes, reads no chunks
	if chunked {
		fields = append(fields, handshake.Field{Name: "Transfer-Encoding", Value: "chunked"})
	} else {
		v.keep = false // the end of the connection is that of the body
	}
	deflate := strings.Contains(strings.ToLower(req.header.Get("Accept-Encoding")), "deflate")
	if deflate {
		fields = append(fields, handshake.Field{Name: "Content-Encoding", Value: "deflate"})
	}
	kind := typeHTML + "; charset=utf-8"
	if packets {
		kind = typePackets
	}
	fields = append(fields, handshake.Field{Name: "Content-Type", Value: kind})
	if req.method == http.MethodHead {
		return v.head(http.StatusOK, fields)
	}
	if p, ok := v.takeSlot(v.wish(req, item{})); !ok {
		return v.putOff(p, req, nil)
	}
	defer v.parkSlot()
	if err := v.head(http.StatusOK, fields); err != nil {
		return err
	}
	list := v.page
	if packets {
		list = v.packets
	}
	return v.stream(chunked, deflate, list)
}

// stream sends a body of unknown length.
func (v *visit) stream(chunked, deflate bool, write func(io.Writer) error) error {
	out := bufio.NewWriterSize(body{v}, 32<<10)
	var to io.Writer = out
	var ends []func() error
	if chunked {
		chunks := httputil.NewChunkedWriter(out)
		ends = append(ends, chunks.Close, func() error { _, err := out.WriteString("\r\n"); return err })
		buffered := bufio.NewWriterSize(chunks, 16<<10)
		ends = append([]func() error{buffered.Flush}, ends...)
		to = buffered
	}
	if deflate {
		z := zlib.NewWriter(to)
		ends = append([]func() error{z.Close}, ends...)
		to = z
	}
	if err := write(to); err != nil {
		return err
	}
	for _, end := range append(ends, out.Flush) {
		if err := end(); err != nil {
			return err
		}
	}
	return nil
}

// packets writes the files as QUERY HITs, one after the other.
func (v *visit) packets(w io.Writer) error {
	var results []message.Result
	var b []byte
	flush := func() error {
		if len(results) == 0 {
			return nil
		}
		var err error
		if b, err = message.Append(b[:0], message.Message{TTL: 1, Body: v.cfg.Hit(results)}); err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		results = results[:0]
		_, err = w.Write(b)
		return err
	}
	for m := range v.cfg.Library.All() {
		if results = append(results, v.cfg.Library.Result(m, 0, v.host)); len(results) < browseResults {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return flush()
}

// page writes the files as a page for people.
func (v *visit) page(w io.Writer) error {
	agent := html.EscapeString(v.cfg.Agent)
	_, err := fmt.Fprintf(w, "<!DOCTYPE html>\r\n<html>\r\n<head>\r\n<meta charset=\"utf-8\">\r\n<title>Files of %s</title>\r\n</head>\r\n"+
		"<body>\r\n<h1>%s</h1>\r\n<p>%d files, %d KiB</p>\r\n<ul>\r\n", agent, agent, v.cfg.Library.Files(), v.cfg.Library.KiB())
	for m := range v.cfg.Library.All() {
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "<li><a href=\"%s\">%s</a> %d bytes</li>\r\n", html.EscapeString(link(m)), html.EscapeString(m.Name), m.Size)
	}
	_, last := io.WriteString(w, "</ul>\r\n</body>\r\n</html>\r\n")
	return errors.Join(err, last)
}

// link is where a file is to be had, by its hash if that is known.
func link(m library.Match) string {
	if m.URN.SHA1 != nil {
		return "/uri-res/N2R?urn:sha1:" + m.URN.SHA1.String()
	}
	return fmt.Sprintf("/get/%d/%s", m.Index, url.PathEscape(m.Name))
}
