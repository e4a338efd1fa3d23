package transfer

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"gnucensus/servent/handshake"
	"gnucensus/servent/library"
	"gnucensus/servent/urn"
)

// maxTold is how many alternate locations an answer names.
const maxTold = 16

// rangeRetry is when a client may ask again for a part that is not there yet.
const rangeRetry = time.Minute

// An item is a file that may be sent: one of the library, or the parts of one that is being fetched.
type item struct {
	library.File
	parts []span // that are there; nil: all of it
	open  func() (*os.File, error)
	tree  func() (*urn.Tree, bool)
}

// find returns the item that a target names.
func (s *Server) find(t target) (item, bool) {
	var m library.Match
	var ok bool
	if t.service == byIndex {
		if m, ok = s.cfg.Library.At(t.index); !ok || m.Name != t.name {
			return item{}, false
		}
	} else if m, ok = s.cfg.Library.BySHA1(*t.urn.SHA1); !ok {
		return s.cfg.Partials.find(*t.urn.SHA1)
	}
	if t.urn.Tiger != nil && m.URN.Tiger != nil && *t.urn.Tiger != *m.URN.Tiger {
		return item{}, false
	}
	return item{
		File: m.File,
		open: func() (*os.File, error) { return s.cfg.Library.Open(m.Index) },
		tree: func() (*urn.Tree, bool) { return s.cfg.Library.Tree(m.Index) },
	}, true
}

// answerFile answers a request for a file.
func (v *visit) answerFile(req *request, t target) error {
	file, ok := v.find(t)
	named := contentSHA1(req)
	if !ok || t.service == byIndex && named != nil && file.URN.SHA1 != nil && *named != *file.URN.SHA1 {
		return v.moved(named)
	}
	v.learn(req, file)
	part, code, err := file.part(req)
	switch {
	case errors.Is(err, errUnsatisfied):
		return v.unsatisfied(file)
	case err != nil:
		return v.refuse(http.StatusBadRequest)
	}
	if req.method == http.MethodHead {
		return v.head(code, v.describe(file, part, code, t))
	}
	f, err := file.open()
	if err != nil {
		v.log.Debug("not served", "err", err)
		return v.refuse(http.StatusNotFound)
	}
	defer f.Close()
	queued, ok := v.takeSlot(v.wish(req, file))
	if !ok {
		return v.putOff(queued, req, v.introduce(file, false))
	}
	defer v.parkSlot()
	fields := v.describe(file, part, code, t)
	if queued.id != "" {
		fields = append(fields, handshake.Field{Name: "X-Queued", Value: "ID=" + queued.id})
	}
	if err := v.head(code, fields); err != nil {
		return err
	}
	return v.send(f, part)
}

// part tells which bytes a request is answered with, and the status of the answer. Of a file of which only parts are there it
// is the first part of what was asked for.
func (f item) part(req *request) (part span, code int, err error) {
	part, code = span{0, f.Size}, http.StatusOK
	if value := req.header.Get("Range"); value != "" {
		if part, err = parseRange(value, f.Size); err != nil {
			return span{}, 0, err
		}
		code = http.StatusPartialContent
	}
	if f.parts != nil {
		if part = within(f.parts, part); part.len() == 0 {
			return span{}, 0, errUnsatisfied
		}
		code = http.StatusPartialContent
	}
	return part, code, nil
}

// contentSHA1 returns the hash by which a client names the file that it asks for, nil when it does not.
func contentSHA1(req *request) *urn.SHA1 {
	name, _, _ := strings.Cut(req.header.Get("X-Gnutella-Content-URN"), ",")
	u, err := urn.Parse(strings.TrimSpace(name))
	if err != nil {
		return nil
	}
	return u.SHA1
}

// moved answers a request for a file that is not there. It may have another index by now, if the client knows the hash.
func (v *visit) moved(named *urn.SHA1) error {
	if named != nil {
		if m, ok := v.cfg.Library.BySHA1(*named); ok {
			location := fmt.Sprintf("/get/%d/%s", m.Index, url.PathEscape(m.Name))
			return v.refuse(http.StatusMovedPermanently, handshake.Field{Name: "Location", Value: location})
		}
	}
	return v.refuse(http.StatusNotFound)
}

func (v *visit) unsatisfied(f item) error {
	fields := handshake.Fields{{Name: "Content-Range", Value: fmt.Sprintf("bytes */%d", f.Size)}}
	if f.parts != nil {
		fields = append(fields,
			handshake.Field{Name: "X-Available-Ranges", Value: formatAvailable(f.parts)},
			handshake.Field{Name: "Retry-After", Value: strconv.Itoa(int(rangeRetry / time.Second))})
	}
	return v.refuse(http.StatusRequestedRangeNotSatisfiable, append(fields, v.introduce(f, false)...)...)
}

// wish is the upload that a request asks for.
func (v *visit) wish(req *request, f item) wish {
	w := wish{host: v.host, id: parameters(req.header.Get("X-Queued"))["id"]}
	if f.URN.SHA1 != nil {
		w.file = *f.URN.SHA1
	}
	return w
}

// describe returns the fields of an answer that brings a part of a file. What does not change is told once in a row.
func (v *visit) describe(f item, part span, code int, t target) handshake.Fields {
	var fields handshake.Fields
	add := func(name, value string) { fields = append(fields, handshake.Field{Name: name, Value: value}) }
	if code == http.StatusPartialContent {
		add("Content-Range", fmt.Sprintf("bytes %s/%d", part, f.Size))
	}
	add("Content-Length", strconv.FormatUint(part.len(), 10))
	if !f.Modified.IsZero() {
		add("Last-Modified", f.Modified.UTC().Format(http.TimeFormat))
	}
	kind := mime.TypeByExtension(path.Ext(f.Name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	add("Content-Type", kind)
	if f.parts != nil {
		add("X-Available-Ranges", formatAvailable(f.parts))
	}
	return append(fields, v.introduce(f, t.urn.Tiger != nil)...)
}

// introduce returns the fields that tell what a file is, unless it is the one of which they were told last, and where else it is
// to be had, as far as that has not been told.
func (v *visit) introduce(f item, bitprint bool) handshake.Fields {
	file := f.URN.String() + f.Name
	if v.told == file {
		return v.others(f)
	}
	v.told, v.named = file, make(map[netip.AddrPort]bool)
	name := handshake.Field{Name: "Content-Disposition", Value: `inline; filename*="utf-8'en'` + url.PathEscape(f.Name) + `"`}
	return slices.Concat(handshake.Fields{name}, v.names(f, bitprint), v.others(f))
}

// names returns the fields that tell the hashes of a file.
func (v *visit) names(f item, bitprint bool) handshake.Fields {
	if f.URN.SHA1 == nil {
		return nil
	}
	name := urn.URN{SHA1: f.URN.SHA1}.String()
	fields := handshake.Fields{{Name: "X-Gnutella-Content-URN", Value: name}}
	if bitprint {
		fields[0].Value += ", " + f.URN.String()
	}
	if _, ok := f.tree(); ok {
		fields = append(fields, handshake.Field{Name: "X-Thex-URI", Value: "/uri-res/N2X?" + name + ";" + f.URN.Tiger.String()})
	}
	return fields
}

// others returns the field that tells where else a file is to be had, if there is anything to tell.
func (v *visit) others(f item) handshake.Fields {
	if f.URN.SHA1 == nil {
		return nil
	}
	var fresh []netip.AddrPort
	for _, addr := range v.cfg.Mesh.Find(*f.URN.SHA1, v.host, maxTold) {
		if !v.named[addr] {
			v.named[addr] = true
			fresh = append(fresh, addr)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return handshake.Fields{{Name: "X-Alt", Value: formatLocations(fresh)}}
}

// learn takes up where else the client says that the file is, or is no more.
func (v *visit) learn(req *request, f item) {
	if f.URN.SHA1 == nil {
		return
	}
	for _, addr := range parseLocations(req.header, liveHeaders) {
		v.cfg.Mesh.Add(*f.URN.SHA1, addr, v.host)
	}
	for _, addr := range parseLocations(req.header, deadHeaders) {
		v.cfg.Mesh.Dead(*f.URN.SHA1, addr, v.host)
	}
}

// send sends a part of a file. The system copies it, where the connection is one of TCP.
func (v *visit) send(f *os.File, part span) error {
	if _, err := f.Seek(int64(part.from), io.SeekStart); err != nil {
		return err
	}
	for rest := part.len(); rest > 0; {
		n := min(rest, uint64(v.sliceSize()))
		if err := v.mayWrite(int(n)); err != nil {
			return err
		}
		if _, err := io.CopyN(v.conn, f, int64(n)); err != nil {
			return fmt.Errorf("send %s: %w", part, err)
		}
		rest -= n
	}
	return nil
}

// answerTree answers a request for the Tiger tree of a file.
func (v *visit) answerTree(req *request, t target) error {
	f, ok := v.find(t)
	if !ok {
		return v.refuse(http.StatusNotFound)
	}
	tree, ok := f.tree()
	if !ok {
		return v.refuse(http.StatusNotFound)
	}
	data := appendTHEX(nil, tree)
	err := v.head(http.StatusOK, handshake.Fields{
		{Name: "Content-Type", Value: typeDIME}, {Name: "Content-Length", Value: strconv.Itoa(len(data))},
	})
	if err != nil || req.method == http.MethodHead {
		return err
	}
	_, err = body{v}.Write(data)
	return err
}
