package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gnucensus/storage"
)

// describe tells how a snapshot came about, and how many hosts it heard of.
func describe(s storage.SnapshotInfo) facts {
	return facts{
		{"snapshot", s.ID}, {"state", s.State}, {"network", s.Network}, {"vantage", s.Vantage}, {"heard", s.Heard},
		{"started", s.Started}, {"ended", s.Ended}, {"version", s.Version}, {"source", worded(s.Source)},
	}
}

// worded is a text, or nil where there is none.
func worded(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Characters of a name in a list of snapshots, with which it fits a screen of 100.
const (
	vantageWidth = 12
	sourceWidth  = 18
)

// brief is what a line of the list has room for. The rest of a snapshot, and names in full, snapshot show tells.
func brief(s storage.SnapshotInfo) facts {
	minute := func(t *time.Time) any {
		if t == nil {
			return nil
		}
		return t.UTC().Format("2006-01-02 15:04")
	}
	return facts{
		{"snapshot", s.ID}, {"state", s.State}, {"vantage", shorten(s.Vantage, vantageWidth)}, {"heard", s.Heard},
		{"started UTC", minute(&s.Started)}, {"ended UTC", minute(s.Ended)},
		{"source", worded(shorten(s.Source, sourceWidth))},
	}
}

// configured puts each setting of a snapshot on a line, in the order of their names, and each of a list too.
func configured(configuration json.RawMessage) (facts, error) {
	decoder := json.NewDecoder(bytes.NewReader(configuration))
	decoder.UseNumber() // of a seed each digit counts
	var settings map[string]any
	if err := decoder.Decode(&settings); err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	lines := facts{{"configuration", nil}}
	if len(settings) > 0 {
		lines[0].value = ""
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		value := settings[name]
		if of, isTime := strings.CutSuffix(name, "_ns"); isTime {
			name, value = of, duration(value)
		}
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		for i, one := range list {
			if i > 0 {
				name = ""
			}
			lines = append(lines, fact{"  " + name, setting(one)})
		}
	}
	return lines, nil
}

// duration is a number of nanoseconds as people write it, and what is none as it is.
func duration(v any) any {
	number, _ := v.(json.Number)
	ns, err := number.Int64()
	if err != nil {
		return v
	}
	return time.Duration(ns)
}

// setting is a value for people: of an object, as the rates of one kind are, its names and values.
func setting(v any) any {
	switch v := v.(type) {
	case string:
		return worded(v)
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, fmt.Sprintf("%s %v", name, v[name]))
		}
		return strings.Join(parts, ", ")
	}
	return v
}
