-- title: History
-- about: The headline figures of this snapshot and of all earlier ones from the same vantage, one row each.
-- order: 13
-- method: figures are computed as in the reports on one snapshot, by this version of the code, and kept. Snapshots are of the
--   same network and from the same vantage, in the order in which they were begun. A crawl and the imports of it, which tell
--   the same begin, are one row: this snapshot, or else the crawl, or the last import.
-- series: vantage
-- needs: census graph largest_component
-- param: snapshot
-- param: version
-- column: no - right
-- column: begun UTC left
-- column: state - left
-- column: heard hosts right
-- column: reached hosts right
-- column: edges - right
-- column: largest % right
-- column: gini - right
-- column: riders % right
-- column: low % right
-- column: high % right
-- note: largest is the largest weak component, of the hosts heard of. gini is of the files that the measured hosts declare.
--   riders share no file, of the measured hosts; low and high are the Wilson 95 % interval, as if these were a random sample
--   of all.
-- note: The coverage above is that of this snapshot. One that is not complete, or reached a smaller part of what it heard of, is
--   not to be compared with the others without care; one that is called running is still being written, or was killed.
-- without heard: The snapshot heard of no host: nothing can be said of the network then.
WITH series AS (
    SELECT DISTINCT ON (s.started)
        s.snapshot_id,
        s.started,
        s.state
    FROM snapshot this
    JOIN snapshot s ON s.network = this.network AND s.vantage = this.vantage AND s.snapshot_id <= this.snapshot_id
    WHERE this.snapshot_id = $1
    ORDER BY s.started, s.snapshot_id = $1 DESC, s.source IS NOT NULL, s.snapshot_id DESC
),
kept AS (
    SELECT
        s.snapshot_id,
        s.started,
        s.state,
        m.name,
        m.value
    FROM series s
    LEFT JOIN report.measure m ON m.snapshot_id = s.snapshot_id AND m.version = $2
),
census AS (
    SELECT
        snapshot_id,
        started,
        state,
        max(value) FILTER (WHERE name = 'census.heard') AS heard,
        max(value) FILTER (WHERE name = 'census.reached') AS reached,
        max(value) FILTER (WHERE name = 'graph.edges') AS edges,
        max(value) FILTER (WHERE name = 'largest_component.hosts') AS largest,
        max(value) FILTER (WHERE name = 'census.measured') AS measured,
        max(value) FILTER (WHERE name = 'census.free_riders') AS riders,
        max(value) FILTER (WHERE name = 'census.gini') AS gini
    FROM kept
    GROUP BY snapshot_id, started, state
)
SELECT
    snapshot_id AS no,
    to_char(started AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS begun,
    state,
    heard,
    reached,
    edges,
    report.share(largest, heard) AS largest,
    gini,
    report.share(riders, measured) AS riders,
    report.low(riders, measured) AS low,
    report.high(riders, measured) AS high
FROM census
ORDER BY started
