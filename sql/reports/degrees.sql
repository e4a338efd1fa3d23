-- title: Degree distribution
-- about: How many hosts have how many links, degree by degree, and which share of hosts have as many or more (CCDF).
-- order: 8
-- method: a link counts once when at least one of its ends listed it (crawl handshake, UDP crawl, imported graph). Roles are
--   a host's own word, else that of the hosts that list it.
-- screen: 60
-- param: snapshot
-- column: of - left
-- column: links links right
-- column: visited hosts right
-- column: visited_ccdf % right
-- column: only_heard_of hosts right
-- column: only_heard_of_ccdf % right
-- column: all hosts right
-- column: all_ccdf % right
-- note: The degree of a host that did not list its links, visited or not, is a lower bound: as many of its links as others
--   told. The rows without a number of links count hosts that did not list theirs and of whom nobody told such a link:
--   how many they have is not known, and they are in no CCDF. Figures are counts, not estimates, so they have no interval.
-- without heard: The snapshot heard of no host: there is no distribution.
-- without edges: The snapshot has no link: no host has a degree above 0.
SELECT
    kind AS of,
    links,
    visited,
    CASE WHEN links IS NOT NULL THEN report.share(sum(visited) OVER at_least, sum(visited) OVER whole) END AS visited_ccdf,
    only_heard_of,
    CASE
        WHEN links IS NOT NULL THEN report.share(sum(only_heard_of) OVER at_least, sum(only_heard_of) OVER whole)
    END AS only_heard_of_ccdf,
    hosts AS "all",
    CASE WHEN links IS NOT NULL THEN report.share(sum(hosts) OVER at_least, sum(hosts) OVER whole) END AS all_ccdf
FROM report.degree_distribution
WHERE snapshot_id = $1
WINDOW
    whole AS (PARTITION BY kind, links IS NULL),
    at_least AS (PARTITION BY kind, links IS NULL ORDER BY links DESC)
ORDER BY
    array_position(
        ARRAY['links per host', 'peers per ultrapeer', 'leaves per ultrapeer', 'ultrapeers per leaf'], kind
    ),
    links NULLS FIRST
