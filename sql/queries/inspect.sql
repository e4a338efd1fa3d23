-- The server's version, whether the database is ours, and up to five tables of it that are not an extension's.
SELECT
    current_setting('server_version_num')::integer,
    current_setting('server_version'),
    to_regclass('public.gnucensus_migration') IS NOT NULL,
    ARRAY(
        SELECT n.nspname || '.' || c.relname
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
            AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND n.nspname NOT LIKE 'pg\_toast%'
            AND n.nspname NOT LIKE 'pg\_temp%'
            AND NOT EXISTS (
                SELECT FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
            )
        ORDER BY 1
        LIMIT 5
    );
