-- How many hosts have how many links, in the four ways in which a two-level overlay is looked at. Roles are those of
-- report.role. The degree of a host that did not list its links is a lower bound: as many as others told.
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
        ('links per host', d.degree),
        ('peers per ultrapeer', CASE WHEN d.role = 'ultrapeer' THEN d.peers END),
        ('leaves per ultrapeer', CASE WHEN d.role = 'ultrapeer' THEN d.leaves END),
        ('ultrapeers per leaf', CASE WHEN d.role = 'leaf' THEN d.degree END)
) AS k (kind, links)
WHERE k.links IS NOT NULL
GROUP BY d.snapshot_id, k.kind, k.links;
COMMENT ON VIEW   report.degree_distribution               IS 'Hosts by number of links.';
COMMENT ON COLUMN report.degree_distribution.snapshot_id   IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.degree_distribution.kind          IS 'Which links are counted, of which hosts: peers per ultrapeer.';
COMMENT ON COLUMN report.degree_distribution.links         IS 'Number of links.';
COMMENT ON COLUMN report.degree_distribution.visited       IS 'Visited hosts that have as many.';
COMMENT ON COLUMN report.degree_distribution.only_heard_of IS 'Hosts that were never visited and have as many, by the word of others.';
COMMENT ON COLUMN report.degree_distribution.hosts         IS 'Both together.';
