INSERT INTO report.kept (snapshot_id, version, observations, endpoints, edges, rumours)
SELECT
    @snapshot,
    @version,
    @observations,
    @endpoints,
    @edges,
    count(DISTINCT r.endpoint_id)
FROM (
    SELECT unnest(endpoints) AS endpoint_id
    FROM report.rumour_list
    WHERE snapshot_id = @snapshot
) r;
