SELECT EXISTS (
    SELECT
    FROM report.freshness f
    JOIN report.kept k ON k.snapshot_id = f.snapshot_id
    WHERE f.snapshot_id = @snapshot AND f.fresh AND k.version = @version
);
