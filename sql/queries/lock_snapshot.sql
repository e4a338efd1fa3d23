-- The writer's lock, for as long as its connection lives. A server takes a moment to see that a killed client is gone, so wait
-- that long. The first number stands for "snapshot", and is used for nothing else.
WITH patience AS MATERIALIZED (
    SELECT set_config('lock_timeout', '3s', true)
)
SELECT pg_advisory_lock(1836214, @snapshot::bigint::integer)
FROM patience;
