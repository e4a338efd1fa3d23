INSERT INTO snapshot (network, vantage, version, source, configuration)
VALUES (@network, @vantage, @version, @source, @configuration)
RETURNING snapshot_id;
