// Package page writes the results of one snapshot as one HTML page: headline figures first, then each report with its figures,
// its method and its caveats.
//
// The page is a single file. It asks for nothing from outside, has no script, and says so in its content policy: of style only
// its own sheet is allowed, and of images only those that it holds itself. It follows the reader's choice of light or dark, fits
// a telephone and a sheet of paper. The same snapshot gives the same bytes.
package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the template and the style sheet
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"gnucensus/reports"
	"gnucensus/reports/figure"
	"gnucensus/reports/graph"
	"gnucensus/storage"
)

//go:embed page.html
var markup string

//go:embed page.css
var style string

var layout = template.Must(template.New("page").Parse(markup))

// shownRows bounds the table of one report; the rows below it are folded away.
const shownRows = 100

// illustrates says which figures stand beside which report. One that stands beside none comes last.
var illustrates = map[string][]string{
	"topology":     {"network", "distances", "cores"},
	"degrees":      {"degrees", "peers", "leaves", "parents"},
	"resilience":   {"resilience"},
	"sharing":      {"files", "lorenz"},
	"freeriders":   {"freeriders"},
	"latency":      {"latency", "hits", "hops"},
	"responders":   {"responses"},
	"agents":       {"agents"},
	"abilities":    {"abilities"},
	"outcomes":     {"outcomes"},
	"reachability": {"reachability"},
}

// headline is the report whose rows become the headline figures.
const headline = "summary"

// A section is a report with its figures.
type section struct {
	*reports.Report
	Figures       []picture
	Shown, Folded part
}

// A part is some rows of a report, as a table.
type part struct {
	*reports.Report
	Lines [][]any
}

// A picture is a figure as an image of the page.
type picture struct {
	figure.Info
	Caption string
	Source  template.URL
}

// A card is a headline figure.
type card struct {
	Name, Value, Unit, Bounds, Report string
}

// content is what the template shows.
type content struct {
	Snapshot storage.SnapshotInfo
	Style    template.CSS
	Policy   string
	Cards    []card
	Notes    []string
	Sections []section
	Rest     []picture
}

// Write writes the page of a snapshot. What SQL cannot compute is computed first and kept under the version of the code. Nothing
// is written when a report or a figure fails; [storage.ErrNoSnapshot] when there is no such snapshot.
func Write(ctx context.Context, db *storage.DB, snapshot int64, version string, w io.Writer) error {
	c, err := collect(ctx, db, snapshot, version)
	if err != nil {
		return fmt.Errorf("make page of snapshot %d: %w", snapshot, err)
	}
	var page bytes.Buffer
	if err := layout.Execute(&page, c); err != nil {
		return fmt.Errorf("make page of snapshot %d: %w", snapshot, err)
	}
	if _, err := w.Write(page.Bytes()); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func collect(ctx context.Context, db *storage.DB, snapshot int64, version string) (*content, error) {
	err := reports.KeepAll(ctx, db, snapshot, version, func(g *graph.Measured, visited []bool, roles []byte) error {
		album, err := figure.Open(ctx, db, snapshot, version)
		if err != nil {
			return err
		}
		return album.Keep(ctx, g, visited, roles)
	})
	if err != nil {
		return nil, err
	}
	album, err := figure.Open(ctx, db, snapshot, version)
	if err != nil {
		return nil, err
	}
	c := &content{Style: template.CSS(style), Policy: policy()}
	if c.Snapshot, err = describe(ctx, db, snapshot); err != nil {
		return nil, err
	}
	all, err := runAll(ctx, db, snapshot, version)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Name == headline {
			c.Cards, c.Notes = cards(r), r.Notes
			continue
		}
		shown := min(len(r.Rows), shownRows)
		s := section{Report: r, Shown: part{r, r.Rows[:shown]}, Folded: part{r, r.Rows[shown:]}}
		if s.Figures, err = pictures(ctx, album, beside(r.Name)); err != nil {
			return nil, err
		}
		c.Sections = append(c.Sections, s)
	}
	c.Rest, err = pictures(ctx, album, func(name string) bool {
		return !slices.ContainsFunc(reports.List(), func(i reports.Info) bool { return beside(i.Name)(name) })
	})
	return c, err
}

// runAll makes all reports, in their order, as many at once as there are processors.
func runAll(ctx context.Context, db *storage.DB, snapshot int64, version string) ([]*reports.Report, error) {
	all := make([]*reports.Report, len(reports.List()))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, info := range reports.List() {
		group.Go(func() (err error) {
			all[i], err = reports.Run(ctx, db, info.Name, snapshot, version)
			return err
		})
	}
	return all, group.Wait()
}

func describe(ctx context.Context, db *storage.DB, snapshot int64) (storage.SnapshotInfo, error) {
	all, err := db.Snapshots(ctx)
	if err != nil {
		return storage.SnapshotInfo{}, err
	}
	i := slices.IndexFunc(all, func(s storage.SnapshotInfo) bool { return s.ID == snapshot })
	if i < 0 {
		return storage.SnapshotInfo{}, storage.ErrNoSnapshot
	}
	return all[i], nil
}

// beside tells of a figure whether it stands beside a report.
func beside(report string) func(name string) bool {
	return func(name string) bool { return slices.Contains(illustrates[report], name) }
}

// pictures makes images of the wanted figures: as an image, an SVG can neither run nor fetch anything.
func pictures(ctx context.Context, album *figure.Album, wanted func(name string) bool) ([]picture, error) {
	var list []picture
	for _, f := range figure.List() {
		if !wanted(f.Name) {
			continue
		}
		var svg bytes.Buffer
		caption, err := album.Draw(ctx, f.Name, figure.Options{Format: figure.SVG, Bare: true}, &svg)
		if err != nil {
			return nil, err
		}
		source := "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(svg.Bytes())
		list = append(list, picture{Info: f, Caption: caption, Source: template.URL(source)})
	}
	return list, nil
}

// cards makes headline figures of the rows of the summary, whose columns are found by their names.
func cards(r *reports.Report) []card {
	var list []card
	for _, row := range r.Rows {
		text := func(name string) string {
			i := slices.IndexFunc(r.Columns, func(c reports.Column) bool { return c.Name == name })
			if i < 0 || row[i] == nil {
				return ""
			}
			return r.Text(row, i)
		}
		c := card{Name: text("figure"), Value: text("value"), Unit: text("unit"), Report: text("report")}
		if c.Value == "" {
			c.Value = "not known"
		}
		var bounds []string
		if low, high := text("low"), text("high"); low != "" && high != "" {
			bounds = append(bounds, "95 %: "+low+" to "+high)
		}
		if least, most := text("least"), text("most"); least != "" && most != "" {
			bounds = append(bounds, "bounds: "+least+" to "+most)
		}
		c.Bounds = strings.Join(bounds, "; ")
		list = append(list, c)
	}
	return list
}

// policy is the content policy of the page.
func policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'"
}

// Begun is when the snapshot was begun.
func (c *content) Begun() string { return c.Snapshot.Started.UTC().Format(time.DateTime + " UTC") }
