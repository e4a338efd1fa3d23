package exchange

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"gnucensus/storage"
)

// packageName is the name of the description in a folder; that of a single file is the name of the file and this ending.
const (
	packageName       = "datapackage.json"
	descriptionEnding = ".json"
)

// layout is the version of the tables of an export of everything. A change that an older import would misread raises it.
const layout = 2

// A description tells what is in an export, as a Frictionless data package ("Data Package", version 1) with properties of
// our own: gnucensus, snapshot and addresses; of a resource rows, about and method; of a field unit and replaced.
type description struct {
	Profile   string     `json:"profile"`
	Name      string     `json:"name"`
	Title     string     `json:"title"`
	Software  software   `json:"gnucensus"`
	Snapshot  snapshot   `json:"snapshot"`
	Addresses addresses  `json:"addresses"`
	Notes     []string   `json:"notes"`
	Resources []resource `json:"resources"`
}

type software struct {
	Version  string `json:"version"`  // of the program that wrote it
	Contents string `json:"contents"` // hosts, edges, hits or all
	Layout   int    `json:"layout"`
}

// snapshot is what storage knows of a snapshot, and its coverage: columns of report.coverage.
type snapshot struct {
	Number        int64            `json:"number"`
	Network       string           `json:"network"`
	Vantage       string           `json:"vantage"`
	State         string           `json:"state"`
	Version       string           `json:"version"` // of the program that made it
	Source        string           `json:"source,omitempty"`
	Configuration json.RawMessage  `json:"configuration"`
	Started       time.Time        `json:"started"`
	Ended         *time.Time       `json:"ended"`
	Coverage      map[string]int64 `json:"coverage"`
}

type addresses struct {
	Replaced bool   `json:"replaced"`
	Method   string `json:"method"`
}

// A resource is one file.
type resource struct {
	Name        string  `json:"name"`
	Path        string  `json:"path"`
	Title       string  `json:"title"`
	About       string  `json:"description"`
	Method      string  `json:"method"`
	Format      string  `json:"format"`
	MediaType   string  `json:"mediatype"`
	Encoding    string  `json:"encoding,omitempty"`
	Compression string  `json:"compression,omitempty"`
	Bytes       int64   `json:"bytes"`
	Hash        string  `json:"hash"`
	Rows        int64   `json:"rows"`
	Schema      schema  `json:"schema"`
	Nodes       *schema `json:"nodes,omitempty"` // of a graph, whose edges the rest describes
}

type schema struct {
	Fields        []field  `json:"fields"`
	PrimaryKey    []string `json:"primaryKey,omitempty"`
	MissingValues []string `json:"missingValues,omitempty"`
}

type field struct {
	Name        string       `json:"name"`
	Type        string       `json:"type"`
	Format      string       `json:"format,omitempty"`
	Unit        string       `json:"unit,omitempty"`
	About       string       `json:"description"`
	Replaced    string       `json:"replaced,omitempty"`
	Constraints *constraints `json:"constraints,omitempty"`
}

type constraints struct {
	Required bool `json:"required"`
}

// The two answers to the question whether addresses are replaced.
var (
	exactAddresses = addresses{false, "Addresses, ports, names and GUIDs are those of the hosts."}

	replacedAddresses = addresses{true, "Addresses are replaced by Crypto-PAn (Xu, Fan, Ammar and Moon 2002) under a key that " +
		"is not in this export: two that shared their first n bits share exactly n bits still. Ports, but for those registered " +
		"for Gnutella, servent GUIDs and the names of hosts are replaced under the same key, each by one other. Addresses " +
		"inside texts are replaced in the same way; e-mail addresses and web pages are taken out."}

	replacedNote = "Numbers, times and the names of software are exact: who visited the same hosts at the same time may " +
		"recognise some of them. An address that stands for another is an address like any: by chance it may be somebody's."
)

// schema describes the columns of a table.
func (t *table) schema(replaced bool) schema {
	s := schema{PrimaryKey: t.key}
	for _, c := range t.columns {
		f := field{Name: c.name, Unit: c.unit, About: c.meaning}
		f.Type, f.Format = c.kind.frictionless()
		if replaced {
			f.Replaced = c.kind.replaced()
		}
		if c.optional {
			s.MissingValues = []string{""}
		} else {
			f.Constraints = &constraints{Required: true}
		}
		s.Fields = append(s.Fields, f)
	}
	return s
}

// newSnapshot describes a snapshot. With a replacer, whatever may tell of a host or of a person is replaced.
func newSnapshot(s storage.SnapshotInfo, coverage map[string]int64, r *replacer) (snapshot, error) {
	d := snapshot{
		Number: s.ID, Network: s.Network, Vantage: s.Vantage, State: string(s.State), Version: s.Version, Source: s.Source,
		Configuration: s.Configuration, Started: s.Started.UTC(), Coverage: coverage,
	}
	if s.Ended != nil {
		ended := s.Ended.UTC()
		d.Ended = &ended
	}
	if r == nil {
		return d, nil
	}
	d.Vantage, d.Source = r.text(s.Vantage), r.text(s.Source)
	var configuration any
	if err := json.Unmarshal(s.Configuration, &configuration); err != nil {
		return d, fmt.Errorf("read configuration: %w", err)
	}
	var err error
	d.Configuration, err = json.Marshal(r.configuration(configuration))
	return d, err
}

// info is the description as storage takes it.
func (s *snapshot) info(source string) storage.SnapshotInfo {
	return storage.SnapshotInfo{
		State: storage.State(s.State), Network: s.Network, Vantage: s.Vantage, Version: s.Version, Source: source,
		Configuration: s.Configuration, Started: s.Started, Ended: s.Ended,
	}
}

// write writes the description for people and machines.
func (d *description) write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(d)
}

// resource returns the file of a name in the folder, nil if there is none.
func (d *description) resource(path string) *resource {
	i := slices.IndexFunc(d.Resources, func(r resource) bool { return r.Path == path })
	if i < 0 {
		return nil
	}
	return &d.Resources[i]
}

// maxDescription is more than any description takes, in bytes.
const maxDescription = 1 << 24

var errNoDescription = errors.New("it is not the description of a gnucensus export")

func readDescription(path string) (*description, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDescription))
	if err != nil {
		return nil, err
	}
	d := &description{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errNoDescription, err)
	}
	if d.Software.Contents == "" {
		return nil, fmt.Errorf("%s: %w", path, errNoDescription)
	}
	return d, nil
}
