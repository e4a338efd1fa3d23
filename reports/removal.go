package reports

import "fmt"

// removedPercent are the shares of hosts that are removed, for report resilience.
var removedPercent = []int{0, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90}

// removalMeasures are what is left of the largest component after hosts were removed, named resilience.ORDER.PERCENT.
func removalMeasures() []measure {
	var list []measure
	for _, percent := range removedPercent {
		gone := func(t *topology) int { return t.Hosts() * percent / 100 }
		for _, m := range []measure{
			{"degree", "those with most links first", func(t *topology) float64 { return float64(t.Decline().Degree[gone(t)]) }},
			{"mean", "mean of ten random orders", func(t *topology) float64 { return t.Decline().Mean[gone(t)] }},
			{"smallest", "smallest of them", func(t *topology) float64 { return float64(t.Decline().Smallest[gone(t)]) }},
			{"largest", "largest of them", func(t *topology) float64 { return float64(t.Decline().Largest[gone(t)]) }},
		} {
			m.name = fmt.Sprintf("resilience.%s.%d", m.name, percent)
			m.method = fmt.Sprintf("hosts of the largest component after %d %% were removed, %s", percent, m.method)
			list = append(list, m)
		}
	}
	return list
}
