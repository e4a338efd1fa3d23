-- +goose Up

-- A crawl of a million hosts writes millions of rows a minute, and what each row carries is paid for in server time and on disk:
-- links are lists in the observation that told them; keys of snapshots are four bytes; wide columns come first, so that
-- nothing is padded; and the constraints that only the writer could break, one process that numbers everything itself, are
-- looked at when a snapshot is imported (queries/import_fault.sql) and not at each row.
DROP SCHEMA IF EXISTS report CASCADE; -- the views are made anew after the migrations

ALTER TABLE query
    DROP CONSTRAINT query_observation_fkey,
    ADD CONSTRAINT query_snapshot_fkey FOREIGN KEY (snapshot_id) REFERENCES snapshot ON DELETE CASCADE;

ALTER TABLE endpoint
    DROP CONSTRAINT endpoint_snapshot_fkey,
    DROP CONSTRAINT endpoint_heard_once,
    DROP CONSTRAINT endpoint_pkey CASCADE,
    ALTER COLUMN snapshot_id TYPE integer,
    ADD CONSTRAINT endpoint_pkey PRIMARY KEY (snapshot_id, endpoint_id);

ALTER TABLE rumour
    DROP CONSTRAINT rumour_observation_fkey,
    DROP CONSTRAINT rumour_pkey,
    ALTER COLUMN snapshot_id TYPE integer;
CREATE INDEX rumour_snapshot ON rumour USING brin (snapshot_id);

ALTER TABLE observation RENAME TO observation_before;
CREATE TABLE observation (
    started        timestamptz NOT NULL,
    files          bigint,
    kib            bigint,
    uptime_s       bigint,
    snapshot_id    integer     NOT NULL,
    observation_id integer     NOT NULL,
    endpoint_id    integer     NOT NULL,
    took_us        integer     NOT NULL,
    agent_id       integer,
    method         text        NOT NULL,
    outcome        text        NOT NULL,
    role           text,
    detail         text,
    peers          integer[],
    leaves         integer[],
    fields         jsonb
);
INSERT INTO observation
SELECT
    o.started,
    o.files,
    o.kib,
    o.uptime_s,
    o.snapshot_id,
    o.observation_id,
    o.endpoint_id,
    least(o.took_us, 2147483647),
    o.agent_id,
    o.method,
    o.outcome,
    o.role,
    o.detail,
    p.endpoints,
    l.endpoints,
    o.fields
FROM observation_before o
LEFT JOIN neighbour p ON p.snapshot_id = o.snapshot_id AND p.observation_id = o.observation_id AND p.relation = 'peer'
LEFT JOIN neighbour l ON l.snapshot_id = o.snapshot_id AND l.observation_id = o.observation_id AND l.relation = 'leaf'
ORDER BY
    o.snapshot_id,
    o.observation_id;
DROP TABLE neighbour;
DROP TABLE observation_before;
ALTER TABLE observation
    ADD CONSTRAINT observation_pkey PRIMARY KEY (snapshot_id, observation_id),
    ADD CONSTRAINT observation_role_known CHECK (role IN ('ultrapeer', 'leaf')),
    ADD CONSTRAINT observation_counts_not_negative CHECK (files >= 0 AND kib >= 0 AND uptime_s >= 0 AND took_us >= 0);
COMMENT ON TABLE  observation                IS 'One conversation with one endpoint by one method.';
COMMENT ON COLUMN observation.started        IS 'When it began, by our clock.';
COMMENT ON COLUMN observation.files          IS 'Files that the host claims to share; NULL: not measured.';
COMMENT ON COLUMN observation.kib            IS 'KiB that it claims to share, as sent; of ultrapeers not to be summed.';
COMMENT ON COLUMN observation.uptime_s       IS 'Uptime that it claims, seconds; NULL: not measured.';
COMMENT ON COLUMN observation.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN observation.observation_id IS 'Number within the snapshot, in the order of writing.';
COMMENT ON COLUMN observation.endpoint_id    IS 'Whom we spoke to.';
COMMENT ON COLUMN observation.took_us        IS 'How long it took, microseconds.';
COMMENT ON COLUMN observation.agent_id       IS 'Software that the host names; NULL: not told.';
COMMENT ON COLUMN observation.method         IS 'How we spoke, as in probe.Method: tcp-crawl, leaf, udp-ping, udp-crawl, query, import.';
COMMENT ON COLUMN observation.outcome        IS 'How it ended; the words are listed in report.outcome.';
COMMENT ON COLUMN observation.role           IS 'ultrapeer or leaf, as the host tells; NULL: not told.';
COMMENT ON COLUMN observation.detail         IS 'Status line of a refusal, or the error; NULL when there is nothing to tell.';
COMMENT ON COLUMN observation.peers          IS 'endpoint_id of each ultrapeer that it says it is linked to, in its order.';
COMMENT ON COLUMN observation.leaves         IS 'endpoint_id of each leaf of its own that it lists, in its order.';
COMMENT ON COLUMN observation.fields         IS 'Facts of this network alone, by name.';
