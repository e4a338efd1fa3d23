-- +goose Up

-- A crawl of a million hosts writes millions of rows a minute, and what each row carries is paid for in server time and on disk:
-- keys are four bytes; words of which there are few are enumerations, of four bytes too; whatever a host named is a list in the
-- observation; wide columns come first, so that nothing is padded; and the constraints that only the writer could break, one
-- process that numbers everything itself, are looked at when a snapshot is imported (queries/import_fault.sql) and not at each
-- row.

CREATE TYPE outcome AS ENUM (
    'answered', 'refused', 'unsupported', 'garbage', 'closed', 'reset', 'timeout', 'connection-refused', 'unreachable',
    'connect-timeout', 'silent', 'local-limit', 'out-of-scope', 'cancelled'
);
COMMENT ON TYPE outcome IS 'How a conversation ended, best first; report.outcome tells more.';

CREATE TYPE role AS ENUM ('leaf', 'ultrapeer');
COMMENT ON TYPE role IS 'The part that a host plays in the overlay.';

-- A snapshot is one walk of one network, or one import of somebody else's. Everything else belongs to one snapshot and is
-- inserted, never updated: only a snapshot's state, its end, and how much it holds change.
CREATE TABLE snapshot (
    snapshot_id   bigint      GENERATED ALWAYS AS IDENTITY,
    network       text        NOT NULL,
    vantage       text        NOT NULL,
    state         text        NOT NULL DEFAULT 'running',
    version       text        NOT NULL,
    configuration jsonb       NOT NULL DEFAULT '{}',
    source        text,
    started       timestamptz NOT NULL DEFAULT now(),
    ended         timestamptz,
    endpoints     integer     NOT NULL DEFAULT 0,
    observations  integer     NOT NULL DEFAULT 0,
    CONSTRAINT snapshot_pkey PRIMARY KEY (snapshot_id),
    CONSTRAINT snapshot_state_known CHECK (state IN ('running', 'complete', 'interrupted')),
    CONSTRAINT snapshot_ended_when_not_running CHECK ((ended IS NULL) = (state = 'running'))
);
COMMENT ON TABLE  snapshot               IS 'One walk of one network, or one import of a published graph.';
COMMENT ON COLUMN snapshot.snapshot_id   IS 'Number of the snapshot, as --snapshot takes it.';
COMMENT ON COLUMN snapshot.network       IS 'Network that was walked: gnutella.';
COMMENT ON COLUMN snapshot.vantage       IS 'Where the measurement was made from, as the researcher calls it.';
COMMENT ON COLUMN snapshot.state         IS 'running; complete: nothing was left to visit; interrupted: can be resumed.';
COMMENT ON COLUMN snapshot.version       IS 'Version of gnucensus that made it.';
COMMENT ON COLUMN snapshot.configuration IS 'Flags of the crawl, so that it can be repeated and resumed.';
COMMENT ON COLUMN snapshot.source        IS 'File that an imported snapshot was read from; NULL for a crawl.';
COMMENT ON COLUMN snapshot.started       IS 'When the snapshot was begun.';
COMMENT ON COLUMN snapshot.ended         IS 'When its state last left running; NULL while it runs.';
COMMENT ON COLUMN snapshot.endpoints     IS 'Endpoints that it heard of, which is the number of the last.';
COMMENT ON COLUMN snapshot.observations  IS 'Conversations that it holds, which is the number of the last.';

-- Endpoints are numbered within their snapshot by the crawler, in the order in which it heard of them: a batch is written by
-- COPY alone, without a look-up, and an edge is four bytes.
CREATE TABLE endpoint (
    snapshot_id integer NOT NULL,
    endpoint_id integer NOT NULL,
    addr        inet,
    port        integer,
    name        text,
    CONSTRAINT endpoint_pkey PRIMARY KEY (snapshot_id, endpoint_id),
    CONSTRAINT endpoint_port_range CHECK (port BETWEEN 0 AND 65535),
    CONSTRAINT endpoint_addressed_or_named CHECK (
        (addr IS NOT NULL AND port IS NOT NULL AND name IS NULL)
        OR (addr IS NULL AND port IS NULL AND name IS NOT NULL)
    )
);
COMMENT ON TABLE  endpoint             IS 'An address that the snapshot heard of, visited or not. Not an identity.';
COMMENT ON COLUMN endpoint.snapshot_id IS 'Snapshot that heard of it.';
COMMENT ON COLUMN endpoint.endpoint_id IS 'Number within the snapshot, in the order of hearing.';
COMMENT ON COLUMN endpoint.addr        IS 'IPv4 or IPv6 address; NULL where an imported graph gives none.';
COMMENT ON COLUMN endpoint.port        IS 'TCP and UDP port; NULL where an imported graph gives none.';
COMMENT ON COLUMN endpoint.name        IS 'The host as an imported graph names it; NULL when there is an address.';

CREATE TABLE agent (
    agent_id integer GENERATED ALWAYS AS IDENTITY,
    agent    text    NOT NULL,
    CONSTRAINT agent_pkey PRIMARY KEY (agent_id),
    CONSTRAINT agent_once UNIQUE (agent)
);
COMMENT ON TABLE  agent          IS 'Software, as hosts name it (User-Agent), each text once.';
COMMENT ON COLUMN agent.agent_id IS 'Key.';
COMMENT ON COLUMN agent.agent    IS 'The text as received, NUL and invalid UTF-8 replaced, cut at 512 bytes.';

-- Observations are read by the snapshot, and come in the order of their numbers: a coarse index is enough, and takes no room.
CREATE TABLE observation (
    started        timestamptz NOT NULL,
    files          bigint,
    kib            bigint,
    snapshot_id    integer     NOT NULL,
    observation_id integer     NOT NULL,
    endpoint_id    integer     NOT NULL,
    took_us        integer,
    uptime_s       integer,
    agent_id       integer,
    outcome        outcome     NOT NULL,
    role           role,
    method         text        NOT NULL,
    detail         text,
    peers          integer[],
    leaves         integer[],
    tries          integer[],
    cached         integer[],
    contacts       integer[],
    ponged         integer[],
    fields         jsonb,
    CONSTRAINT observation_counts_not_negative CHECK (files >= 0 AND kib >= 0 AND uptime_s >= 0 AND took_us >= 0)
);
CREATE INDEX observation_number ON observation USING brin (snapshot_id, observation_id) WITH (pages_per_range = 16);
COMMENT ON TABLE  observation                IS 'One conversation with one endpoint by one method.';
COMMENT ON COLUMN observation.started        IS 'When it began, by our clock.';
COMMENT ON COLUMN observation.files          IS 'Files that the host claims to share; NULL: not measured.';
COMMENT ON COLUMN observation.kib            IS 'KiB that it claims to share, as sent; of ultrapeers not to be summed.';
COMMENT ON COLUMN observation.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN observation.observation_id IS 'Number within the snapshot, from 1 without gaps, in the order of writing.';
COMMENT ON COLUMN observation.endpoint_id    IS 'Whom we spoke to.';
COMMENT ON COLUMN observation.took_us        IS 'How long it took, microseconds; NULL: no conversation (methods none and import).';
COMMENT ON COLUMN observation.uptime_s       IS 'Uptime that it claims, seconds: by udp-ping of an average day, by udp-crawl of an average session; NULL: not measured.';
COMMENT ON COLUMN observation.agent_id       IS 'Software that the host names; NULL: not told.';
COMMENT ON COLUMN observation.outcome        IS 'How it ended; report.outcome tells more.';
COMMENT ON COLUMN observation.role           IS 'ultrapeer or leaf, as the host tells; NULL: not told.';
COMMENT ON COLUMN observation.method         IS 'How we spoke: tcp-crawl, udp-crawl, leaf, x-try, udp-ping, guess, query; not at all: none (passed over), import.';
COMMENT ON COLUMN observation.detail         IS 'Status line of a refusal, or the error; NULL when there is nothing to tell.';
COMMENT ON COLUMN observation.peers          IS 'endpoint_id of each ultrapeer that it says it is linked to, in its order.';
COMMENT ON COLUMN observation.leaves         IS 'endpoint_id of each leaf of its own that it lists, in its order.';
COMMENT ON COLUMN observation.tries          IS 'Rumour, never a link: hosts named beside an answer (X-Try), to be tried instead.';
COMMENT ON COLUMN observation.cached         IS 'Rumour: hosts of its cache, packed in a PONG (IPP).';
COMMENT ON COLUMN observation.contacts       IS 'Rumour: contacts in the DHT, packed in a PONG.';
COMMENT ON COLUMN observation.ponged         IS 'Rumour: subjects of PONGs that it passed on.';
COMMENT ON COLUMN observation.fields         IS 'Facts of this network alone, by name.';

CREATE TABLE query (
    snapshot_id    bigint  NOT NULL,
    observation_id integer NOT NULL,
    words          text    NOT NULL,
    CONSTRAINT query_pkey PRIMARY KEY (snapshot_id, observation_id),
    CONSTRAINT query_snapshot_fkey FOREIGN KEY (snapshot_id) REFERENCES snapshot ON DELETE CASCADE
);
COMMENT ON TABLE  query                IS 'A query asked through one ultrapeer, as its leaf.';
COMMENT ON COLUMN query.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN query.observation_id IS 'Conversation in which it was asked; its endpoint is the ultrapeer.';
COMMENT ON COLUMN query.words          IS 'The words, from the published list.';

-- A responder is kept by its address and not as an endpoint: a hit says where it is, and the walk need not have heard of it.
CREATE TABLE hit (
    snapshot_id    bigint   NOT NULL,
    observation_id integer  NOT NULL,
    hit_id         integer  NOT NULL,
    addr           inet     NOT NULL,
    port           integer  NOT NULL,
    servent        uuid     NOT NULL,
    delay_us       bigint   NOT NULL,
    hops           smallint NOT NULL,
    results        integer  NOT NULL,
    vendor         text,
    firewalled     boolean,
    CONSTRAINT hit_pkey PRIMARY KEY (snapshot_id, observation_id, hit_id),
    CONSTRAINT hit_query_fkey FOREIGN KEY (snapshot_id, observation_id) REFERENCES query ON DELETE CASCADE,
    CONSTRAINT hit_port_range CHECK (port BETWEEN 0 AND 65535),
    CONSTRAINT hit_counts_not_negative CHECK (delay_us >= 0 AND hops >= 0 AND results >= 0)
);
COMMENT ON TABLE  hit                IS 'One QUERY HIT descriptor that answers a query.';
COMMENT ON COLUMN hit.snapshot_id    IS 'Snapshot that it belongs to.';
COMMENT ON COLUMN hit.observation_id IS 'Query that it answers.';
COMMENT ON COLUMN hit.hit_id         IS 'Number within the query, in the order of arrival, from 1.';
COMMENT ON COLUMN hit.addr           IS 'Address of the responder, as it states it inside the hit; often a private one.';
COMMENT ON COLUMN hit.port           IS 'Port of the responder, as it states it inside the hit.';
COMMENT ON COLUMN hit.servent        IS 'Servent GUID of the responder.';
COMMENT ON COLUMN hit.delay_us       IS 'From sending the query to receiving the hit, microseconds.';
COMMENT ON COLUMN hit.hops           IS 'Links that the hit travelled, counting ours.';
COMMENT ON COLUMN hit.results        IS 'Files in the hit.';
COMMENT ON COLUMN hit.vendor         IS 'Four-letter vendor code; NULL when the hit has none.';
COMMENT ON COLUMN hit.firewalled     IS 'Push flag; NULL when the hit does not tell.';

CREATE TABLE measure (
    snapshot_id  bigint           NOT NULL,
    version      text             NOT NULL,
    name         text             NOT NULL,
    value        double precision,
    method       text             NOT NULL,
    observations integer          NOT NULL,
    endpoints    integer          NOT NULL,
    computed     timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT measure_pkey PRIMARY KEY (snapshot_id, version, name),
    CONSTRAINT measure_snapshot_fkey FOREIGN KEY (snapshot_id) REFERENCES snapshot ON DELETE CASCADE
);
COMMENT ON TABLE  measure              IS 'A statistic that SQL cannot compute, kept once for each snapshot and code version.';
COMMENT ON COLUMN measure.snapshot_id  IS 'Snapshot that it describes.';
COMMENT ON COLUMN measure.version      IS 'Version of the code that computed it.';
COMMENT ON COLUMN measure.name         IS 'What it is, dotted: largest_component.hosts.';
COMMENT ON COLUMN measure.value        IS 'Its value; NULL: it does not exist for this graph.';
COMMENT ON COLUMN measure.method       IS 'How it was computed, in words.';
COMMENT ON COLUMN measure.observations IS 'How many observations the snapshot held then: with more, the measure is stale.';
COMMENT ON COLUMN measure.endpoints    IS 'How many endpoints it held then: likewise.';
COMMENT ON COLUMN measure.computed     IS 'When.';
