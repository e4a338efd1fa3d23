-- title: Against chance
-- about: The topology beside that of a random graph of the same size: what is different is not due to size alone.
-- order: 8
-- method: the random graph has as many links, and as many hosts as have a known degree, drawn from all such graphs alike
--   (Erdős and Rényi 1959), and is measured as the snapshot is. Ratio: the snapshot's figure by the random graph's.
--   Small-world coefficient: the ratio of the clustering of all hosts by that of the mean distance (Humphries and Gurney
--   2008); far above 1 in a small world.
-- needs: graph largest_component degree clustering distance random
-- param: snapshot
-- param: version
-- column: figure - left
-- column: unit - left
-- column: snapshot - right
-- column: random - right
-- column: ratio - right
-- note: One random graph is drawn, the same each time; where its figure is small, as that of triangles may be, the ratio would
--   be another with the next. Hosts that listed their links and had none count on both sides, those of whom no link
--   is told on neither; links that nobody told of are missing.
-- without heard: The snapshot heard of no host: there is no graph.
-- without edges: The snapshot has no link: there is nothing to compare.
WITH kept AS (
    SELECT name, value FROM report.measure WHERE snapshot_id = $1 AND version = $2
),
compared AS (
    SELECT
        f.place,
        f.figure,
        f.unit,
        s.value AS snapshot,
        r.value AS random,
        CASE WHEN f.unit <> '-1 to 1' THEN s.value / NULLIF(r.value, 0) END AS ratio
    FROM (
        VALUES
            (1, 'edges', 'edges', 'graph.edges', 'graph.edges'),
            (2, 'largest weak component', 'hosts', 'largest_component.hosts', 'random.largest_component'),
            (3, 'largest degree', 'links', 'degree.largest', 'random.largest_degree'),
            (4, 'Gini coefficient of degrees', '0 to 1', 'degree.gini', 'random.gini'),
            (5, 'assortativity', '-1 to 1', 'degree.assortativity', 'random.assortativity'),
            (6, 'largest k of the cores', 'links', 'degree.core', 'random.core'),
            (7, 'triangles', 'triangles', 'clustering.triangles', 'random.triangles'),
            (8, 'clustering, mean, all hosts', '0 to 1', 'clustering.all', 'random.clustering'),
            (9, 'closed triads, 3T/(3T+O)', '0 to 1', 'clustering.transitivity', 'random.transitivity'),
            (10, 'mean distance', 'links', 'distance.mean', 'random.mean_distance'),
            (11, 'effective diameter', 'links', 'distance.effective', 'random.effective_diameter'),
            (12, 'diameter, at least', 'links', 'distance.diameter_least', 'random.diameter_least'),
            (13, 'diameter, at most', 'links', 'distance.diameter_most', 'random.diameter_most')
    ) AS f (place, figure, unit, of_snapshot, of_random)
    JOIN kept s ON s.name = f.of_snapshot
    JOIN kept r ON r.name = f.of_random
)
SELECT
    figure,
    unit,
    snapshot,
    random,
    ratio
FROM (
    SELECT * FROM compared
    UNION ALL
    SELECT 14, 'small-world coefficient', '1', clustering.ratio / NULLIF(distance.ratio, 0), NULL, NULL
    FROM compared clustering
    CROSS JOIN compared distance
    WHERE clustering.place = 8 AND distance.place = 10
) f
ORDER BY place
