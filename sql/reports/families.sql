-- title: Sharing by software
-- about: How many files and KiB a host shares, and how unequally, by the software that it names.
-- order: 9
-- method: each host counts with what it declares (PONG, the largest figure of its conversations), under the first software that
--   it named. Figures are those of report sharing, which explains them.
-- screen: 60
-- param: snapshot
-- column: software - left
-- column: figure - left
-- column: unit - left
-- column: files files right
-- column: data KiB right
-- note: KiB are those of leaves: an ultrapeer rounds the figure in its PONG to a power of two, as a mark of its role.
-- note: The figures are of the hosts that told both how many files they share and what software they run; what the
--   others share is not known. What hosts declare is not verified.
-- without files_measured: No host told how many files it shares: nothing can be said of sharing.
WITH figure AS (
    SELECT
        population AS software,
        part,
        place,
        figure,
        unit,
        max(value) FILTER (WHERE kind = 'files') AS files,
        max(value) FILTER (WHERE kind = 'data') AS data
    FROM report.sharing
    WHERE snapshot_id = $1 AND divided_by = 'software'
    GROUP BY population, part, place, figure, unit
)
SELECT
    software,
    figure,
    unit,
    files,
    data
FROM figure
ORDER BY
    max(files) FILTER (WHERE part = 1) OVER (PARTITION BY software) DESC NULLS LAST,
    software COLLATE "C",
    part,
    place
