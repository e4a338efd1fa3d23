-- The writer's lock, if nobody holds it, until the end of the transaction.
SELECT pg_try_advisory_xact_lock(1836214, @snapshot::bigint::integer);
