-- title: Sharing
-- about: How many files and KiB a host shares, and how unequally, by role.
-- order: 3
-- method: each host counts with what it declares (PONG, the largest figure of its conversations), under the role that it gives
--   itself. The q % quantile is the smallest amount that q % of the measured hosts do not exceed. At least: the share of the
--   measured hosts that share as much or more (CCDF). Held by: the part of the total that the hosts that share least hold
--   (Lorenz curve), interpolated between hosts. Gini: 0 when all share the same, near 1 when one host shares everything.
-- param: snapshot
-- column: figure - left
-- column: unit - left
-- column: files files right
-- column: ultrapeers files right
-- column: leaves files right
-- column: data KiB right
-- note: Files are those of all measured hosts, of those that say they are ultrapeers, and of those that say they are leaves.
--   KiB are those of leaves: an ultrapeer rounds the figure in its PONG to a power of two, as a mark of its role.
-- note: The figures are of the measured hosts. If those not measured share nothing, the total stays and the mean falls; no
--   upper bound can be given. What hosts declare is not verified. Report families tells the same by software.
-- without files_measured: No host told how many files it shares: only the number of hosts is known.
WITH figure AS MATERIALIZED (
    SELECT
        part,
        place,
        figure,
        unit,
        max(value) FILTER (WHERE population = 'all' AND kind = 'files') AS files,
        max(value) FILTER (WHERE population = 'ultrapeer') AS ultrapeers,
        max(value) FILTER (WHERE population = 'leaf') AS leaves,
        max(value) FILTER (WHERE kind = 'data') AS data
    FROM report.sharing
    WHERE snapshot_id = $1 AND divided_by = 'role'
    GROUP BY part, place, figure, unit
)
SELECT figure, unit, files, ultrapeers, leaves, data
FROM (
    SELECT * FROM figure
    UNION ALL
    SELECT 2, 0, 'not measured', 'hosts', endpoints - COALESCE((SELECT files FROM figure WHERE part = 1), 0), NULL, NULL, NULL
    FROM report.freshness
    WHERE snapshot_id = $1
) f
ORDER BY part, place
