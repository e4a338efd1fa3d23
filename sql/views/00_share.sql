-- A share in percent, and the interval in which the share of the population lies with 95 % confidence when the hosts counted
-- are a sample of it (Wilson 1927): unlike the usual one it stays within 0 and 100, has the share in it, ends at 0 or 100
-- where the share is that, and holds for small samples and for shares near 0 and 1. All are NULL where nothing was counted.
CREATE FUNCTION report.share(part double precision, whole double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT 100 * part / NULLIF(whole, 0) $$;
COMMENT ON FUNCTION report.share IS 'part of whole, percent; NULL when there is no whole.';

-- The formula alone: its last digits are rounded, so an end that should be the share, or 0 or 100, may lie beside it.
CREATE FUNCTION report.wilson(part double precision, whole double precision, z double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT 100 * (part + z * z / 2 + z * sqrt(part * (whole - part) / NULLIF(whole, 0) + z * z / 4)) / (whole + z * z) $$;
COMMENT ON FUNCTION report.wilson IS 'One end of Wilson''s interval, percent: the lower for a z below 0, the upper for one above.';

CREATE FUNCTION report.low(part double precision, whole double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT CASE
        WHEN part >= 0 AND whole > 0 THEN
            greatest(least(report.wilson(part, whole, -1.959963984540054), report.share(part, whole)), 0)
    END
$$;
COMMENT ON FUNCTION report.low IS 'Lower end of the 95 % interval of a share, percent: from 0 to the share.';

CREATE FUNCTION report.high(part double precision, whole double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT CASE
        WHEN part >= 0 AND whole > 0 THEN
            least(greatest(report.wilson(part, whole, 1.959963984540054), report.share(part, whole)), 100)
    END
$$;
COMMENT ON FUNCTION report.high IS 'Upper end of the 95 % interval of a share, percent: from the share to 100.';
