-- +goose Up

-- A host that is only heard of makes a measure stale as well as a conversation does. Measures can be computed again.
DELETE FROM measure;
ALTER TABLE measure ADD COLUMN endpoints integer NOT NULL;
COMMENT ON COLUMN measure.endpoints IS 'How many endpoints the snapshot held then: with more, the measure is stale.';
