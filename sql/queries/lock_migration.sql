-- One migration at a time, for as long as this transaction lives. The number is arbitrary, and used for nothing else.
SELECT pg_advisory_xact_lock(3621840175023);
