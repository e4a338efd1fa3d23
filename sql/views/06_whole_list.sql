-- A host that listed its links, and whose list is not known to be trimmed, has told all of them, or says so. Whether those of
-- an imported graph did, nobody knows.
CREATE VIEW report.whole_list AS
SELECT
    o.snapshot_id,
    o.endpoint_id
FROM observation o
WHERE o.outcome = 'answered'
    AND o.method IN ('tcp-crawl', 'udp-crawl')
    AND (o.fields IS NULL OR NOT o.fields ? 'trimmed')
GROUP BY
    o.snapshot_id,
    o.endpoint_id;
COMMENT ON VIEW   report.whole_list             IS 'Hosts that listed all of their links, as far as is known.';
COMMENT ON COLUMN report.whole_list.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.whole_list.endpoint_id IS 'The host.';
