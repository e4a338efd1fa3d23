-- A host lists its links when it answers a question for them, if only to say that it has none. It has then told all of them, or
-- says so, unless the list is known to be trimmed. Whether those of an imported graph told all, nobody knows.
CREATE VIEW report.lister AS
SELECT
    o.snapshot_id,
    o.endpoint_id,
    bool_or(o.method <> 'import' AND (o.fields IS NULL OR NOT o.fields ? 'trimmed')) AS whole
FROM observation o
WHERE o.outcome = 'answered'
    AND o.method IN ('tcp-crawl', 'udp-crawl', 'import')
GROUP BY
    o.snapshot_id,
    o.endpoint_id;
COMMENT ON VIEW   report.lister             IS 'Hosts that listed their links, be it none.';
COMMENT ON COLUMN report.lister.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.lister.endpoint_id IS 'The host.';
COMMENT ON COLUMN report.lister.whole       IS 'It listed all of its links, as far as is known.';
