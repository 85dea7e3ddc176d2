-- An account's epoch counts what changes its roster without a step of its version.
ALTER TABLE account ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;

-- Rosters as they were last computed, packed. One is valid while its account has this version
-- and this epoch. Nothing is lost when rows are deleted.
CREATE TABLE roster_record (
	owner   INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
	version BIGINT NOT NULL,
	epoch   BIGINT NOT NULL,
	body    BYTEA NOT NULL
);
