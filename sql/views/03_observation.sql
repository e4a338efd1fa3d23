CREATE VIEW report.observation AS
SELECT
    o.snapshot_id,
    o.observation_id,
    o.endpoint_id,
    o.method,
    o.outcome::text AS outcome,
    o.started,
    o.took_us,
    o.detail,
    a.agent,
    o.role::text AS role,
    o.files,
    o.kib,
    o.uptime_s,
    o.fields
FROM observation o
LEFT JOIN agent a ON a.agent_id = o.agent_id;
COMMENT ON VIEW   report.observation                IS 'One conversation with one host by one method.';
COMMENT ON COLUMN report.observation.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.observation.observation_id IS 'Number within the snapshot, in the order of writing.';
COMMENT ON COLUMN report.observation.endpoint_id    IS 'Whom we spoke to.';
COMMENT ON COLUMN report.observation.method         IS 'tcp-crawl, udp-crawl, leaf, x-try, udp-ping, guess, query, none, import.';
COMMENT ON COLUMN report.observation.outcome        IS 'How it ended; the words are listed in report.outcome.';
COMMENT ON COLUMN report.observation.started        IS 'When it began, by our clock.';
COMMENT ON COLUMN report.observation.took_us        IS 'How long it took, microseconds; NULL: no conversation (methods none and import).';
COMMENT ON COLUMN report.observation.detail         IS 'Status line of a refusal, or the error.';
COMMENT ON COLUMN report.observation.agent          IS 'Software that the host names; NULL: not told.';
COMMENT ON COLUMN report.observation.role           IS 'ultrapeer or leaf, as the host tells; NULL: not told.';
COMMENT ON COLUMN report.observation.files          IS 'Files that the host claims to share; NULL: not measured.';
COMMENT ON COLUMN report.observation.kib            IS 'KiB as sent; of ultrapeers a power of two, not to be summed.';
COMMENT ON COLUMN report.observation.uptime_s       IS 'Uptime that it claims, seconds; NULL: not measured.';
COMMENT ON COLUMN report.observation.fields         IS 'Facts of this network alone, by name.';
