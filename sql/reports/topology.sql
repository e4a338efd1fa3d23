-- title: Topology
-- about: Hosts, links and degrees of the overlay, visited hosts and hosts that were only heard of kept apart.
-- order: 2
-- method: a link counts once when at least one of its ends listed it (crawl handshake, UDP crawl, imported graph); direction
--   is dropped, but for strong components. Roles are a host's own word, else that of the hosts that list it. Distances are
--   in links, of pairs joined by a path: of all pairs up to 100,000 hosts, above that from 64 hosts of the largest weak
--   component. Effective diameter: within it are 90 % of the pairs, interpolated. Clustering: T triangles, O open triads;
--   all hosts are those whose degree is known.
-- needs: graph largest_component strong_component degree clustering distance
-- param: snapshot
-- param: version
-- column: of - left
-- column: figure - left
-- column: unit - left
-- column: visited - right
-- column: only_heard_of - right
-- column: all - right
-- note: Links under visited join two visited hosts; those under only heard of have an end that was never visited.
-- note: The degree of a host that did not list its links, visited or not, is a lower bound: as many of its links as others
--   told. Links between two hosts of which neither listed its own are not known at all. Not told: hosts that did not
--   list their links and of whom nobody told such a link. How many they have is not known, and in no mean, quantile or
--   coefficient.
-- note: Under visited, assortativity, cores, strong components, distances, clustering and the number of weak components are
--   those of the visited hosts and the links between them alone; some of these are told by one end only, for the other, such
--   as a firewalled host, listed nothing. The Gini coefficient is that of the degrees above.
-- note: Told by both ends: of links told of a host that listed its own, the share that it told too. Denied: the other end
--   listed all of its links without this one; lists known to be trimmed deny nothing, and links that came or went between
--   the two visits do.
-- note: Figures are counts, not estimates, so they have no interval. The quantiles are those of hosts: 90 % of hosts have at
--   most so many links. Report degrees has the whole distribution, degree by degree; report tails fits laws to it, report
--   random compares the network with chance, and report resilience takes it apart.
-- without heard: The snapshot heard of no host: there is no graph.
-- without edges: The snapshot has no link: components and cores say nothing of the network.
WITH host AS (
    SELECT
        p.population,
        count(*) AS hosts,
        count(*) FILTER (WHERE h.role = 'ultrapeer') AS ultrapeers,
        count(*) FILTER (WHERE h.role = 'leaf') AS leaves,
        count(*) FILTER (WHERE h.role IS NULL) AS unknown
    FROM report.host h
    CROSS JOIN LATERAL (
        VALUES ('all'), (CASE WHEN h.visited THEN 'visited' ELSE 'only_heard_of' END)
    ) AS p (population)
    WHERE h.snapshot_id = $1
    GROUP BY p.population
),
kept AS (
    SELECT
        split_part(name, '.', 1) || '.' || split_part(name, '.', 2) AS name,
        COALESCE(NULLIF(split_part(name, '.', 3), ''), 'all') AS population,
        value
    FROM report.measure
    WHERE snapshot_id = $1 AND version = $2
),
distribution AS (
    SELECT
        array_position(
            ARRAY['links per host', 'peers per ultrapeer', 'leaves per ultrapeer', 'ultrapeers per leaf'], d.kind
        ) AS place,
        d.kind,
        d.links,
        p.population,
        p.hosts,
        sum(p.hosts) OVER (PARTITION BY d.kind, p.population ORDER BY d.links) AS running,
        sum(p.hosts) FILTER (WHERE d.links IS NOT NULL) OVER (PARTITION BY d.kind, p.population) AS total
    FROM report.degree_distribution d
    CROSS JOIN LATERAL (
        VALUES ('visited', d.visited), ('only_heard_of', d.only_heard_of), ('all', d.hosts)
    ) AS p (population, hosts)
    WHERE d.snapshot_id = $1 AND p.hosts > 0
),
bucket (low, high) AS (
    VALUES (0, 0)
    UNION ALL
    SELECT 1 << k, (2 << k) - 1 FROM generate_series(0, 29) AS k
),
figure AS (
    SELECT 1 AS part, f.place, 'graph' AS thing, f.figure, f.unit, h.population, f.value
    FROM host h
    CROSS JOIN host everyone
    CROSS JOIN LATERAL (
        VALUES
            (1, 'hosts', 'hosts', h.hosts::double precision),
            (2, 'share of hosts', '%', report.share(h.hosts, everyone.hosts)),
            (3, 'ultrapeers', 'hosts', h.ultrapeers),
            (4, 'leaves', 'hosts', h.leaves),
            (5, 'role not known', 'hosts', h.unknown)
    ) AS f (place, figure, unit, value)
    WHERE everyone.population = 'all'
    UNION ALL
    SELECT f.part, f.place, f.thing, f.figure, f.unit, k.population, k.value
    FROM kept k
    JOIN (
        VALUES
            (1, 6, 'graph', 'edges', 'edges', 'graph.edges'),
            (1, 7, 'graph', 'told by both ends', '0 to 1', 'graph.reciprocity'),
            (1, 8, 'graph', 'told by two', 'edges', 'graph.both'),
            (1, 9, 'graph', 'told by one, denied', 'edges', 'graph.contradicted'),
            (1, 10, 'graph', 'told by one alone', 'edges', 'graph.one'),
            (2, 0, 'weak components', 'number', 'components', 'graph.components'),
            (2, 1, 'largest weak component', 'hosts', 'hosts', 'largest_component.hosts'),
            (2, 3, 'largest weak component', 'edges', 'edges', 'largest_component.edges'),
            (7, 1, 'degrees', 'Gini coefficient', '0 to 1', 'degree.gini'),
            (7, 2, 'degrees', 'assortativity', '-1 to 1', 'degree.assortativity'),
            (7, 3, 'cores', 'largest k', 'links', 'degree.core'),
            (7, 4, 'cores', 'in the largest', 'hosts', 'degree.core_hosts'),
            (8, 0, 'strong components', 'number', 'components', 'graph.strong_components'),
            (8, 1, 'largest strong component', 'hosts', 'hosts', 'strong_component.hosts'),
            (8, 2, 'largest strong component', 'edges', 'edges', 'strong_component.edges'),
            (9, 1, 'distances', 'mean', 'links', 'distance.mean'),
            (9, 2, 'distances', 'effective diameter', 'links', 'distance.effective'),
            (9, 3, 'distances', 'diameter, at least', 'links', 'distance.diameter_least'),
            (9, 4, 'distances', 'diameter, at most', 'links', 'distance.diameter_most'),
            (9, 5, 'distances', 'searched from', 'hosts', 'distance.sources'),
            (10, 1, 'clustering', 'mean, all hosts', '0 to 1', 'clustering.all'),
            (10, 2, 'clustering', 'mean, 2 links or more', '0 to 1', 'clustering.paired'),
            (10, 3, 'clustering', 'triangles', 'triangles', 'clustering.triangles'),
            (10, 4, 'clustering', 'closed triads, T/(T+O)', '0 to 1', 'clustering.closed'),
            (10, 5, 'clustering', 'closed triads, 3T/(3T+O)', '0 to 1', 'clustering.transitivity')
    ) AS f (part, place, thing, figure, unit, name) USING (name)
    UNION ALL
    SELECT 2, 2, 'largest weak component', 'share of hosts', '%', population, report.share(k.value, h.hosts)
    FROM kept k
    JOIN host h USING (population)
    WHERE k.name = 'largest_component.hosts'
    UNION ALL
    SELECT 2 + d.place, f.place, d.kind, f.figure, f.unit, d.population, f.value
    FROM (
        SELECT
            place,
            kind,
            population,
            sum(links * hosts) / sum(hosts) FILTER (WHERE links IS NOT NULL) AS mean,
            min(links) FILTER (WHERE running >= 0.5 * total) AS median,
            min(links) FILTER (WHERE running >= 0.9 * total) AS ninety,
            max(links) AS largest,
            COALESCE(sum(hosts) FILTER (WHERE links IS NULL), 0) AS untold
        FROM distribution
        GROUP BY place, kind, population
    ) d
    CROSS JOIN LATERAL (
        VALUES
            (-5, 'mean', 'links', d.mean),
            (-4, 'median', 'links', d.median),
            (-3, '90 % quantile', 'links', d.ninety),
            (-2, 'largest', 'links', d.largest),
            (-1, 'not told', 'hosts', d.untold)
    ) AS f (place, figure, unit, value)
    UNION ALL
    SELECT
        2 + d.place,
        b.low,
        d.kind,
        CASE WHEN b.low = b.high THEN b.low::text ELSE b.low || '–' || b.high END,
        'hosts',
        d.population,
        sum(d.hosts)
    FROM distribution d
    JOIN bucket b ON d.links BETWEEN b.low AND b.high
    GROUP BY d.place, b.low, b.high, d.kind, d.population
)
SELECT
    thing AS of,
    figure,
    unit,
    COALESCE(visited, absent) AS visited,
    COALESCE(only_heard_of, absent) AS only_heard_of,
    COALESCE("all", absent) AS "all"
FROM (
    SELECT
        part,
        place,
        thing,
        figure,
        unit,
        max(value) FILTER (WHERE population = 'visited') AS visited,
        max(value) FILTER (WHERE population = 'only_heard_of') AS only_heard_of,
        max(value) FILTER (WHERE population = 'all') AS "all",
        -- Hosts that were counted and of which there are none: 0, and not unknown.
        CASE WHEN part < 7 AND unit = 'hosts' OR part = 1 AND unit = '%' THEN 0 END AS absent
    FROM figure
    GROUP BY part, place, thing, figure, unit
) f
ORDER BY part, place
