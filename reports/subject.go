package reports

import (
	"context"
	"fmt"
	"slices"

	"gnucensus/storage"
)

// subject is the snapshot that a report is about.
type subject struct {
	storage.SnapshotInfo
	earlier  []int64          // snapshots of the same network from the same vantage
	coverage map[string]int64 // columns of report.coverage
}

// readSubject reads what is known of a snapshot without a look at its hosts.
func readSubject(ctx context.Context, db *storage.DB, snapshot int64) (*subject, error) {
	snapshots, err := db.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(snapshots, func(s storage.SnapshotInfo) bool { return s.ID == snapshot })
	if i < 0 {
		return nil, storage.ErrNoSnapshot
	}
	s := &subject{SnapshotInfo: snapshots[i]}
	for _, other := range snapshots[:i] {
		if other.Network == s.Network && other.Vantage == s.Vantage {
			s.earlier = append(s.earlier, other.ID)
		}
	}
	return s, nil
}

// cover reads what is to be told beside every number, and the facts that notes depend on.
func (s *subject) cover(ctx context.Context, db *storage.DB, at storage.Size) error {
	rows, err := db.Answer(ctx, s.ID, at, "SELECT * FROM report.coverage WHERE snapshot_id = $1", s.ID)
	if err != nil {
		return err
	}
	if len(rows.Values) != 1 {
		return storage.ErrNoSnapshot
	}
	s.coverage = map[string]int64{}
	for i, fact := range rows.Columns {
		s.coverage[fact], _ = rows.Values[0][i].(int64)
	}
	return nil
}

// series returns the snapshots that a report looks at: this one, and if asked for the earlier ones before it.
func (s *subject) series(earlier bool) []int64 {
	if !earlier {
		return []int64{s.ID}
	}
	return append(slices.Clip(s.earlier), s.ID)
}

// snapshotNote tells which snapshot it is, and whether it is whole.
func (s *subject) snapshotNote() string {
	whole := "complete: nothing was left to visit."
	if s.State != storage.StateComplete {
		whole = string(s.State) + ", not complete: hosts that it would have visited are missing."
	}
	source := ""
	if s.Source != "" {
		source = ", imported from " + s.Source
	}
	return fmt.Sprintf("Snapshot %d: %s from vantage %s, begun %s%s; %s",
		s.ID, s.Network, s.Vantage, s.Started.UTC().Format("2006-01-02 15:04:05 UTC"), source, whole)
}

// coverageNote tells how much of what was heard of was seen.
func (s *subject) coverageNote() string {
	part := func(name, of string) string {
		text := pretty(s.coverage[name], "")
		if whole := s.coverage[of]; whole > 0 {
			text += fmt.Sprintf(" (%.1f %%)", 100*float64(s.coverage[name])/float64(whole))
		}
		return text
	}
	hosts := "hosts"
	if s.coverage["heard"] == 1 {
		hosts = "host"
	}
	return fmt.Sprintf(
		"Coverage: %s %s heard of; visited, of these, %s; reached, of the visited, %s; files known, of all, %s.",
		pretty(s.coverage["heard"], ""), hosts, part("visited", "heard"), part("reached", "visited"), part("files_measured", "heard"))
}
