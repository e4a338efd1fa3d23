package figure

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// folder is where the tests leave the figures, for people to look at: go test ./reports/figure -figures DIR.
var folder = flag.String("figures", "", "write the figures that are tested to `DIR`")

// drawn draws a figure and returns the file and the caption.
func drawn(t testing.TB, a *Album, name string, o Options) (file []byte, caption string) {
	t.Helper()
	var b bytes.Buffer
	caption, err := a.Draw(t.Context(), name, o, &b)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), caption
}

func open(t testing.TB, db *storage.DB, id int64) *Album {
	t.Helper()
	a, err := Open(t.Context(), db, id, meta.Version)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// published stores the crawl of 8 August 2002.
func published(t testing.TB, db *storage.DB) int64 {
	t.Helper()
	f, err := os.Open("../graph/testdata/p2p-Gnutella08.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	edges, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	m := meta
	m.Source = "p2p-Gnutella08.txt"
	id, err := db.ImportEdges(t.Context(), m, storage.ReadEdges(edges))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// nothing are snapshots that lack what figures are made of.
func nothing(t testing.TB, db *storage.DB) map[string]int64 {
	unreached := func(host int) probe.Observation { return talk(host, probe.TCPCrawl, probe.ConnectTimeout) }
	sharesNothing := func(host int) probe.Observation {
		o := talk(host, probe.UDPPing, probe.Answered)
		o.Files, o.KiB = new(int64), new(int64)
		o.Role = probe.LeafRole
		return o
	}
	pair := talk(1, probe.TCPCrawl, probe.Answered)
	pair.Peers = []probe.Peer{{Endpoint: endpoint(2), Relation: probe.PeerLink}}
	unanswered := talk(1, probe.Query, probe.Answered)
	unanswered.Query = "free jazz"
	return map[string]int64{
		"empty":      record(t, db),
		"one":        record(t, db, sharesNothing(1)),
		"unmeasured": record(t, db, unreached(1), unreached(2), unreached(3)),
		"pair":       record(t, db, pair),
		"riders":     record(t, db, sharesNothing(1), sharesNothing(2), sharesNothing(3)),
		"unanswered": record(t, db, talk(1, probe.TCPCrawl, probe.Answered), unanswered),
	}
}

// Every figure can be drawn in every format, whatever a snapshot holds, and holds only what the format allows. With a folder to
// leave them in, they have the size that they are made for, and those of a published graph are with them.
func TestDraw(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	snapshots := nothing(t, db)
	snapshots["census"] = record(t, db, census(1, 100, 700, 40)...)
	width := 60.0
	if *folder != "" {
		snapshots["published"] = published(t, db)
		width = 0
	}
	for name, id := range snapshots {
		a := open(t, db, id)
		for _, info := range List() {
			for _, format := range []Format{SVG, PDF, PNG} {
				if format == PNG && name != "census" && *folder == "" {
					continue // it takes long, and what another snapshot breaks is broken in SVG too
				}
				file, caption := drawn(t, a, info.Name, Options{Format: format, Width: width, Bare: format == PNG && *folder == ""})
				what := name + "-" + info.Name + "." + string(format)
				checkFile(t, what, format, file)
				if !strings.HasPrefix(caption, info.Title+". ") || !strings.Contains(caption, "Coverage: ") {
					t.Errorf("%s: caption %q", what, caption)
				}
				if *folder != "" {
					if err := os.WriteFile(filepath.Join(*folder, what), file, 0o644); err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
}

var notNumbers = regexp.MustCompile(`NaN|Inf|[0-9]e[+-]?[0-9]`)

func checkFile(t *testing.T, what string, format Format, file []byte) {
	t.Helper()
	switch format {
	case SVG:
		checkSVG(t, what, file)
	case PNG:
		if _, err := png.Decode(bytes.NewReader(file)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case PDF:
		if !bytes.HasPrefix(file, []byte("%PDF-")) || !bytes.HasSuffix(bytes.TrimSpace(file), []byte("%%EOF")) {
			t.Errorf("%s: no PDF", what)
		}
		if bytes.Contains(file, []byte("(D:2")) {
			t.Errorf("%s: says when it was made", what)
		}
	}
}

// checkSVG reads an SVG file as XML that a page may hold: no scripts, no styles, nothing from elsewhere, only numbers.
func checkSVG(t *testing.T, what string, file []byte) {
	t.Helper()
	known := []string{"svg", "title", "desc", "path", "text"}
	for d := xml.NewDecoder(bytes.NewReader(file)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !strings.Contains(strings.Join(known, " "), element.Name.Local) {
			t.Errorf("%s: element %s", what, element.Name.Local)
		}
		for _, a := range element.Attr {
			name := a.Name.Local
			if name == "style" || name == "class" || name == "href" || strings.HasPrefix(name, "on") {
				t.Errorf("%s: attribute %s", what, name)
			}
			if name != "font-family" && !strings.HasPrefix(a.Value, "#") && notNumbers.MatchString(a.Value) {
				t.Errorf("%s: %s=%q", what, name, a.Value)
			}
		}
	}
}

// The same snapshot gives the same bytes, from another album and from what the first one kept.
func TestDrawIsDeterministic(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, census(2, 40, 150, 20)...)
	first, second := open(t, db, id), open(t, db, id)
	for _, info := range List() {
		for _, format := range []Format{SVG, PDF, PNG} {
			if format == PNG && info.Name != "network" && info.Name != "outcomes" {
				continue // it takes long
			}
			o := Options{Format: format, Width: 60}
			one, _ := drawn(t, first, info.Name, o)
			two, _ := drawn(t, second, info.Name, o)
			if !bytes.Equal(one, two) {
				t.Errorf("%s.%s: not the same bytes", info.Name, format)
			}
		}
	}
}

// Names of software are no part of the picture's own language, and nothing of them is drawn that cannot be seen.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	o := talk(1, probe.TCPCrawl, probe.Answered)
	o.Agent = hostile
	a := open(t, db, record(t, db, o))
	file, _ := drawn(t, a, "agents", Options{Format: SVG})
	if text := string(file); strings.Contains(text, "<script") || !strings.Contains(text, "&lt;script&gt;") {
		t.Errorf("the name of the software is not escaped:\n%s", text)
	}
	for _, r := range string(file) {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Errorf("the file holds %U", r)
		}
	}
	if got, want := drawable(hostile), `Evil[31m</text><script>alert(1)</script>??&"/6.6`; got != want {
		t.Errorf("drawable: %q, want %q", got, want)
	}
	for _, format := range []Format{PNG, PDF} {
		file, _ := drawn(t, a, "agents", Options{Format: format})
		checkFile(t, "agents", format, file)
	}
}

// The options change what they are for.
func TestOptions(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	a := open(t, db, record(t, db, census(3, 30, 100, 5)...))
	size := func(o Options) (width, height int) {
		o.Format = PNG
		file, _ := drawn(t, a, "freeriders", o)
		c, err := png.DecodeConfig(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(file, []byte("pHYs\x00\x00\x2e\x23\x00\x00\x2e\x23\x01")) { // 11,811 dots a metre
			t.Error("the file does not tell its resolution")
		}
		return c.Width, c.Height
	}
	width, height := size(Options{})
	if want := 1039; width != want { // 88 mm at 300 dots an inch
		t.Errorf("%d dots wide, want %d", width, want)
	}
	if wide, _ := size(Options{Width: 120}); wide != 1417 {
		t.Errorf("120 mm are %d dots", wide)
	}
	if _, bare := size(Options{Bare: true}); bare >= height {
		t.Errorf("without a caption %d dots high, with one %d", bare, height)
	}
	for _, width := range []float64{-1, 10, 1e9, math.NaN()} {
		if _, err := a.Draw(t.Context(), "degrees", Options{Format: SVG, Width: width}, io.Discard); err == nil {
			t.Errorf("a width of %v mm was taken", width)
		}
	}
	if _, err := a.Draw(t.Context(), "degrees", Options{Format: "gif"}, io.Discard); err == nil {
		t.Error("a format that there is not was taken")
	}
	var unknown *UnknownError
	_, err := a.Draw(t.Context(), "degree", Options{Format: SVG}, io.Discard)
	if !errors.As(err, &unknown) || len(unknown.Known) != len(List()) {
		t.Errorf("a figure that there is not: %v", err)
	}
	if _, err := Open(t.Context(), db, 7, meta.Version); !errors.Is(err, storage.ErrNoSnapshot) {
		t.Errorf("a snapshot that there is not: %v", err)
	}
}

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]Format{"a.svg": SVG, "b/c.PNG": PNG, "d.e.pdf": PDF} {
		if got, err := FormatOf(file); got != want || err != nil {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
	for _, file := range []string{"", "a", "a.gif", "svg", "a.svg/b", "-"} {
		if got, err := FormatOf(file); err == nil {
			t.Errorf("%q: %q", file, got)
		}
	}
}
