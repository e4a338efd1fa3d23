-- How many hosts have how many links, in the four ways in which a two-level overlay is looked at. Roles are those of
-- report.host. The degree of a host that did not list its links is a lower bound: as many as others told. Those of whom nobody
-- told such a link are counted in a row of their own.
CREATE VIEW report.degree_distribution AS
SELECT
    d.snapshot_id,
    k.kind,
    k.links,
    count(*) FILTER (WHERE d.visited) AS visited,
    count(*) FILTER (WHERE NOT d.visited) AS only_heard_of,
    count(*) AS hosts
FROM report.degree d
CROSS JOIN LATERAL (
    VALUES
        ('links per host', NULL, d.degree),
        ('peers per ultrapeer', 'ultrapeer', d.peers),
        ('leaves per ultrapeer', 'ultrapeer', d.leaves),
        ('ultrapeers per leaf', 'leaf', d.degree)
) AS k (kind, role, links)
WHERE k.role IS NULL OR k.role = d.role
GROUP BY d.snapshot_id, k.kind, k.links;
COMMENT ON VIEW   report.degree_distribution               IS 'Hosts by number of links.';
COMMENT ON COLUMN report.degree_distribution.snapshot_id   IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.degree_distribution.kind          IS 'Which links are counted, of which hosts: peers per ultrapeer.';
COMMENT ON COLUMN report.degree_distribution.links         IS 'Number of links; NULL: not told.';
COMMENT ON COLUMN report.degree_distribution.visited       IS 'Visited hosts that have as many.';
COMMENT ON COLUMN report.degree_distribution.only_heard_of IS 'Hosts that were never visited and have as many, by the word of others.';
COMMENT ON COLUMN report.degree_distribution.hosts         IS 'Both together.';
