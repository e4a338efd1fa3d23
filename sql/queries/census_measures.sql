-- The figures of a snapshot that are compared with those of others.
SELECT
    m.name,
    m.value,
    m.method
FROM report.coverage c
LEFT JOIN report.free_rider f ON f.snapshot_id = c.snapshot_id AND f.most = 0
LEFT JOIN (
    SELECT
        snapshot_id,
        max(value) AS gini
    FROM report.sharing
    WHERE snapshot_id = $1 AND divided_by = 'role' AND population = 'all' AND kind = 'files' AND figure = 'Gini coefficient'
    GROUP BY snapshot_id
) g ON g.snapshot_id = c.snapshot_id
CROSS JOIN (
    SELECT count(hits) AS asked, count(*) FILTER (WHERE hits > 0) AS answered FROM report.query WHERE snapshot_id = $1
) q
CROSS JOIN LATERAL (
    VALUES
        ('census.heard', c.heard::double precision, 'hosts heard of'),
        ('census.visited', c.visited, 'hosts of which an outcome is known'),
        ('census.reached', c.reached, 'hosts that spoke to us'),
        ('census.ultrapeers', c.ultrapeers, 'by their own word or that of a neighbour'),
        ('census.leaves', c.leaves, 'by their own word or that of a neighbour'),
        ('census.measured', f.measured, 'hosts that told how many files they share'),
        ('census.free_riders', f.hosts, 'of these, hosts that declare no file'),
        ('census.files', f.all_files, 'files that they declare'),
        ('census.gini', g.gini, 'Gini coefficient of these'),
        ('census.asked', q.asked, 'queries'),
        ('census.answered', q.answered, 'queries to which a hit came')
) AS m (name, value, method)
WHERE c.snapshot_id = $1;
