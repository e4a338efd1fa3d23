-- One process at a time keeps the hosts of a snapshot, until the end of the transaction. The first number stands for "hosts
-- kept", and is used for nothing else.
SELECT pg_advisory_xact_lock(1836215, @snapshot::bigint::integer);
