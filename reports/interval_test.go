package reports_test

import (
	"testing"
)

// Rounding moves no end of an interval to the wrong side of its share, or beyond 0 and 100, and an end is where the formula has
// it: the grid has every part of the wholes up to 300, and some parts of greater ones.
func TestIntervalsHoldTheirShares(t *testing.T) {
	t.Parallel()
	db := database(t)
	const grid = `
		WITH bound AS (
			SELECT
				part, whole,
				report.share(part, whole) AS share, report.low(part, whole) AS low, report.high(part, whole) AS high,
				report.wilson(part, whole, -1.959963984540054) AS lower,
				report.wilson(part, whole, 1.959963984540054) AS upper
			FROM (SELECT generate_series(1, 300) AS whole UNION SELECT (1.37 ^ generate_series(20, 60))::bigint) w
			CROSS JOIN LATERAL (
				SELECT generate_series(0, whole, greatest(whole / 300, 1)) AS part UNION SELECT whole UNION SELECT whole - 1
			) p
		)`
	rows, err := db.Select(t.Context(), grid+`
		SELECT part, whole, low, share, high
		FROM bound
		WHERE (low >= 0 AND low <= share AND share <= high AND high <= 100
			AND (low = 0) = (part = 0) AND (high = 100) = (part = whole)
			AND abs(low - lower) + abs(high - upper) < 1e-9) IS NOT TRUE
		ORDER BY whole, part
		LIMIT 5`)
	if err != nil || len(rows.Values) > 0 {
		t.Errorf("part, whole, low, share, high: %v, %v", rows, err)
	}
	rows, err = db.Select(t.Context(), grid+` SELECT count(*) > 50000 FROM bound`)
	if err != nil || !rows.Values[0][0].(bool) {
		t.Errorf("the grid is too small: %v, %v", rows, err)
	}
	rows, err = db.Select(t.Context(), `
		SELECT report.low(part, whole), report.high(part, whole)
		FROM (VALUES (0, 0), (NULL, 5), (5, NULL), (NULL, NULL)) AS uncounted (part, whole)
		WHERE report.low(part, whole) IS NOT NULL OR report.high(part, whole) IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows.Values) > 0 {
		t.Errorf("intervals of nothing: %v", rows.Values)
	}
}
