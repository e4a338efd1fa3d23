package figure

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"gnucensus/storage"
)

// series are rows of numbers that a figure is drawn from, by name.
type series map[string][]float64

// kept returns the series of a figure that takes the whole graph to compute. They are stored as measures, once for each
// snapshot and version of the code, named figure-NAME.SERIES.PLACE, so that a large graph is not read again for each figure.
func (a *Album) kept(ctx context.Context, name string, compute func(context.Context, *topology) (series, error)) (series, error) {
	thing := "figure-" + name
	measures, err := a.db.Measures(ctx, a.about.ID, a.version, thing)
	if err != nil {
		return nil, err
	}
	found := series{}
	for _, m := range measures {
		key, ours := strings.CutPrefix(m.Name, thing+".")
		if !ours || m.Value == nil {
			continue
		}
		of, place, _ := strings.Cut(key, ".")
		i, err := strconv.Atoi(place)
		if err != nil || i < 0 || i > len(measures) {
			return nil, fmt.Errorf("read measure %s: its last part is no place", m.Name)
		}
		for len(found[of]) <= i {
			found[of] = append(found[of], 0)
		}
		found[of][i] = *m.Value
	}
	if len(found) > 0 {
		return found, nil
	}
	t, err := a.topology(ctx)
	if err != nil {
		return nil, err
	}
	if found, err = compute(ctx, t); err != nil {
		return nil, err
	}
	return found, a.keep(ctx, thing, found)
}

func (a *Album) keep(ctx context.Context, thing string, all series) error {
	var measures []storage.Measure
	for of, values := range all {
		for i := range values {
			name := fmt.Sprintf("%s.%s.%d", thing, of, i)
			measures = append(measures, storage.Measure{Name: name, Value: &values[i], Method: "a point of a figure"})
		}
	}
	return a.db.StoreMeasures(ctx, a.about.ID, a.version, a.at, measures)
}
