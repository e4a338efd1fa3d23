-- Software is what stands before the first version number or bracket of the text in which a host names it, or before its first
-- stroke where there are neither; version the first two numbers: "gtk-gnutella/1.2.3 (2024-03-20)" is gtk-gnutella 1.2.
CREATE VIEW report.software AS
SELECT
    agent_id,
    agent,
    COALESCE(
        NULLIF(btrim(left(COALESCE(substring(agent FROM '^(.*?)(?:[ /]+[vV]?[0-9]| [(])'), split_part(agent, '/', 1)), 40)), ''),
        '(no name)'
    ) AS software,
    COALESCE(substring(agent FROM '[ /][vV]?([0-9]+(?:[.][0-9]+)?)'), '(none)') AS version
FROM agent;
COMMENT ON VIEW   report.software          IS 'The texts in which hosts name their software, taken apart.';
COMMENT ON COLUMN report.software.agent_id IS 'Key of the text, as in report.visit.';
COMMENT ON COLUMN report.software.agent    IS 'The text, as in report.host.';
COMMENT ON COLUMN report.software.software IS 'Family of software: vendor or name.';
COMMENT ON COLUMN report.software.version  IS 'First two numbers of the version.';
