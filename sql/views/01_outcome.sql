-- How conversations end, best first. The words are those of probe/outcome.go and of the type; a test compares the three.
CREATE FUNCTION report.outcomes() RETURNS outcome[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT ARRAY[
        'answered'::outcome, 'refused', 'unsupported', 'garbage', 'closed', 'reset', 'timeout', 'connection-refused',
        'unreachable', 'connect-timeout', 'silent', 'local-limit', 'out-of-scope', 'cancelled'
    ]
$$;
COMMENT ON FUNCTION report.outcomes IS 'How a conversation can end, best first.';

CREATE FUNCTION report.rank(outcome outcome) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT array_position(report.outcomes(), outcome) $$;
COMMENT ON FUNCTION report.rank IS 'Place of an outcome among all, 1 is best: the lowest tells how the visit of a host ended.';

CREATE VIEW report.outcome AS
SELECT
    o.outcome::text AS outcome,
    report.rank(o.outcome) AS rank,
    report.rank(o.outcome) <= report.rank('unsupported') AS reached,
    report.rank(o.outcome) <= report.rank('silent') AS visited
FROM unnest(report.outcomes()) AS o (outcome);
COMMENT ON VIEW   report.outcome         IS 'How a conversation can end.';
COMMENT ON COLUMN report.outcome.outcome IS 'The word, as observation.outcome spells it.';
COMMENT ON COLUMN report.outcome.rank    IS '1 is best: the lowest rank tells how the visit of a host ended.';
COMMENT ON COLUMN report.outcome.reached IS 'A servent spoke to us.';
COMMENT ON COLUMN report.outcome.visited IS 'The outcome is about the host, and not about us.';
