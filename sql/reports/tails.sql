-- title: Tails of degree distributions
-- about: Which law the many links of few hosts follow: a power law, held against a log-normal and an exponential.
-- order: 8
-- method: the tail begins where a power law is nearest to it, by the distance of Kolmogorov and Smirnov; each law is the most likely of its
--   kind, for whole numbers from there on (Clauset, Shalizi and Newman 2009). Two laws are compared by the ratio of their
--   likelihoods in standard deviations, z (Vuong 1989). A tail holds 50 hosts and five different values at least.
-- needs: tail
-- param: snapshot
-- param: version
-- column: of - left
-- column: figure - left
-- column: unit - left
-- column: value - right
-- column: p chance right
-- column: verdict - left
-- note: Fitted to visited hosts; to those only heard of where no visited one has such a link: their degrees are lower bounds.
-- note: p of the distance is the chance, at most, that a power law is as far from a sample of its own; where it is below 0.1 a
--   power law is ruled out, and where it is not other laws may be as good. p of a z is the chance of one so far from 0 were
--   both laws equally near; below 0.1 one is nearer, the power law where z is above 0. A log-normal of μ -100 has taken the
--   likeness of a power law.
-- without heard: The snapshot heard of no host: there is no distribution.
-- without edges: The snapshot has no link: there is no tail.
WITH kept AS (
    SELECT
        split_part(name, '.', 2) AS kind,
        split_part(name, '.', 3) AS figure,
        value
    FROM report.measure
    WHERE snapshot_id = $1 AND version = $2 AND split_part(name, '.', 1) = 'tail'
),
kind (place, kind, name) AS (
    VALUES
        (1, 'links', 'links per host'),
        (2, 'peers', 'peers per ultrapeer'),
        (3, 'leaves', 'leaves per ultrapeer'),
        (4, 'parents', 'ultrapeers per leaf')
),
figure (place, figure, chance, name, unit) AS (
    VALUES
        (1, 'from', NULL, 'tail, from', 'links'),
        (2, 'hosts', NULL, 'tail', 'hosts'),
        (3, 'exponent', NULL, 'power law, exponent', '1'),
        (4, 'error', NULL, 'power law, its error', '1'),
        (5, 'distance', 'chance', 'power law, distance', '0 to 1'),
        (6, 'mu', NULL, 'log-normal, μ', 'ln links'),
        (7, 'sigma', NULL, 'log-normal, σ', 'ln links'),
        (8, 'rate', NULL, 'exponential, rate', '1 / link'),
        (9, 'log_normal_z', 'log_normal_p', 'against log-normal, z', '1'),
        (10, 'exponential_z', 'exponential_p', 'against exponential, z', '1')
)
SELECT
    k.name AS of,
    f.name AS figure,
    f.unit,
    v.value,
    c.value AS p,
    CASE
        WHEN f.figure = 'from' AND v.value IS NULL THEN 'no tail'
        WHEN f.figure = 'distance' AND c.value < 0.1 THEN 'power law ruled out'
        WHEN f.figure = 'distance' THEN 'power law not ruled out'
        WHEN c.value < 0.1 AND v.value > 0 THEN 'power law nearer'
        WHEN f.figure = 'log_normal_z' AND c.value < 0.1 THEN 'log-normal nearer'
        WHEN c.value < 0.1 THEN 'exponential nearer'
        WHEN c.value >= 0.1 THEN 'not told apart'
    END AS verdict
FROM kind k
CROSS JOIN figure f
JOIN kept v ON v.kind = k.kind AND v.figure = f.figure
LEFT JOIN kept c ON c.kind = k.kind AND c.figure = f.chance
WHERE v.value IS NOT NULL OR f.figure = 'from'
ORDER BY k.place, f.place
