-- A snapshot that another database holds. What did not end there can only be called interrupted here.
INSERT INTO snapshot (network, vantage, state, version, configuration, source, started, ended)
VALUES (
    @network,
    @vantage,
    CASE WHEN @state = 'complete' THEN 'complete' ELSE 'interrupted' END,
    @version,
    @configuration,
    @source,
    @started,
    COALESCE(@ended::timestamptz, @started)
)
RETURNING snapshot_id;
