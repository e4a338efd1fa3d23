-- How conversations end, best first. The words are those of probe/outcome.go; a test compares the two.
CREATE VIEW report.outcome (outcome, rank, reached, visited) AS
VALUES
    ('answered',            1, true,  true),
    ('refused',             2, true,  true),
    ('unsupported',         3, true,  true),
    ('garbage',             4, false, true),
    ('closed',              5, false, true),
    ('reset',               6, false, true),
    ('timeout',             7, false, true),
    ('connection-refused',  8, false, true),
    ('unreachable',         9, false, true),
    ('connect-timeout',    10, false, true),
    ('silent',             11, false, true),
    ('local-limit',        12, false, false),
    ('out-of-scope',       13, false, false),
    ('cancelled',          14, false, false);
COMMENT ON VIEW   report.outcome         IS 'How a conversation can end.';
COMMENT ON COLUMN report.outcome.outcome IS 'The word, as observation.outcome spells it.';
COMMENT ON COLUMN report.outcome.rank    IS '1 is best: the lowest rank tells how the visit of a host ended.';
COMMENT ON COLUMN report.outcome.reached IS 'A servent spoke to us.';
COMMENT ON COLUMN report.outcome.visited IS 'The outcome is about the host, and not about us.';
