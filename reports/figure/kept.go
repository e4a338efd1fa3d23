package figure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gnucensus/reports/graph"
	"gnucensus/storage"
)

// series are rows of numbers that a figure is drawn from, by name.
type series map[string][]float64

// measured computes the series of the figures that take the whole graph, by their names.
var measured = map[string]func(context.Context, *topology) (series, error){
	"network": measureShells, "distances": measureDistances, "cores": measureCores, "resilience": measureResilience,
}

// kept returns the series of a figure that takes the whole graph to compute. They are stored as measures, once for each
// snapshot and version of the code, named figure-NAME.SERIES.PLACE, so that a large graph is not read again for each figure.
func (a *Album) kept(ctx context.Context, name string) (series, error) {
	thing := thingOf(name)
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
	if found, err = measured[name](ctx, t); err != nil {
		return nil, err
	}
	return found, a.keep(ctx, thing, found)
}

func thingOf(name string) string { return "figure-" + name }

// Keep stores the series that take a graph which was read already. Visited and roles are by host: u, l or ? where nobody told.
func (a *Album) Keep(ctx context.Context, g *graph.Measured, visited []bool, roles []byte) error {
	t := &topology{Measured: g, visited: visited, roles: roles}
	for _, name := range slices.Sorted(maps.Keys(measured)) {
		if name == "network" && g.Hosts() <= mostHosts {
			continue // it shows every host
		}
		found, err := measured[name](ctx, t)
		if err != nil {
			return err
		}
		if err := a.keep(ctx, thingOf(name), found); err != nil {
			return err
		}
	}
	return nil
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
