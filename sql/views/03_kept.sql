-- What is derived of each host is kept, for to derive it from a million hosts takes minutes. These tables hold nothing that
-- cannot be derived again: reports fill them, they lie in this schema so that they go when a definition changes, and the views
-- look at them only while the snapshot is as it was then (report.freshness).
CREATE TABLE report.kept (
    snapshot_id  bigint  NOT NULL,
    version      text    NOT NULL,
    observations integer NOT NULL,
    endpoints    integer NOT NULL,
    edges        bigint  NOT NULL,
    rumours      bigint  NOT NULL,
    CONSTRAINT kept_pkey PRIMARY KEY (snapshot_id),
    CONSTRAINT kept_snapshot_fkey FOREIGN KEY (snapshot_id) REFERENCES snapshot ON DELETE CASCADE
);
COMMENT ON TABLE  report.kept              IS 'Snapshots whose hosts are in report.kept_host.';
COMMENT ON COLUMN report.kept.snapshot_id  IS 'The snapshot.';
COMMENT ON COLUMN report.kept.version      IS 'Version of the code that filled it.';
COMMENT ON COLUMN report.kept.observations IS 'How many observations the snapshot held then.';
COMMENT ON COLUMN report.kept.endpoints    IS 'How many endpoints it held then.';
COMMENT ON COLUMN report.kept.edges        IS 'Rows of report.edge.';
COMMENT ON COLUMN report.kept.rumours      IS 'Rows of report.rumour.';

CREATE TABLE report.kept_host (
    snapshot_id bigint  NOT NULL,
    endpoint_id integer NOT NULL,
    tried       boolean NOT NULL,
    rank        integer,
    agent_id    integer,
    own_role    text,
    role        text,
    files       bigint,
    kib         bigint,
    uptime_s    integer,
    degree      integer,
    peers       integer,
    leaves      integer,
    CONSTRAINT kept_host_pkey PRIMARY KEY (snapshot_id, endpoint_id)
);
COMMENT ON TABLE  report.kept_host             IS 'Rows of report.visit, report.host and report.degree.';
COMMENT ON COLUMN report.kept_host.snapshot_id IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN report.kept_host.endpoint_id IS 'The host.';
COMMENT ON COLUMN report.kept_host.tried       IS 'It is in report.visit.';
COMMENT ON COLUMN report.kept_host.rank        IS 'As in report.visit.';
COMMENT ON COLUMN report.kept_host.agent_id    IS 'As in report.visit.';
COMMENT ON COLUMN report.kept_host.own_role    IS 'role in report.visit.';
COMMENT ON COLUMN report.kept_host.role        IS 'As in report.host.';
COMMENT ON COLUMN report.kept_host.files       IS 'As in report.visit.';
COMMENT ON COLUMN report.kept_host.kib         IS 'As in report.visit.';
COMMENT ON COLUMN report.kept_host.uptime_s    IS 'As in report.visit.';
COMMENT ON COLUMN report.kept_host.degree      IS 'As in report.degree.';
COMMENT ON COLUMN report.kept_host.peers       IS 'As in report.degree.';
COMMENT ON COLUMN report.kept_host.leaves      IS 'As in report.degree.';

-- What was answered of such a snapshot is kept too: a report looks at each host once, and not again for its figures, for the page
-- or the next time.
CREATE TABLE report.kept_answer (
    snapshot_id bigint NOT NULL,
    question    text   NOT NULL,
    answer      bytea  NOT NULL,
    CONSTRAINT kept_answer_pkey PRIMARY KEY (snapshot_id, question),
    CONSTRAINT kept_answer_kept_fkey FOREIGN KEY (snapshot_id) REFERENCES report.kept ON DELETE CASCADE
);
COMMENT ON TABLE  report.kept_answer             IS 'Rows that reports and figures were answered with.';
COMMENT ON COLUMN report.kept_answer.snapshot_id IS 'Snapshot that they are about.';
COMMENT ON COLUMN report.kept_answer.question    IS 'Hash of the statement and its arguments.';
COMMENT ON COLUMN report.kept_answer.answer      IS 'The rows, encoded by package storage.';
