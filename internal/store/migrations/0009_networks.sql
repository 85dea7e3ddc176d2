-- From where people may not come, or may although others of a larger network may not. network is
-- written as netip does, like 203.0.113.0/24; expires is 0 for a rule that does not. With keep,
-- connections that there were when the rule was made go on.
CREATE TABLE network_rule (
	network TEXT PRIMARY KEY,
	rule    TEXT NOT NULL CHECK (rule IN ('deny', 'allow')),
	reason  TEXT NOT NULL,
	made_by TEXT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	keep    BOOLEAN NOT NULL
);

-- Why an account is locked, for operators, and until when, in Unix seconds; 0 is for good. From
-- then on disabled counts for nothing. Nor do these while it is false.
ALTER TABLE account ADD COLUMN lock_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN locked_until BIGINT NOT NULL DEFAULT 0;

CREATE INDEX account_locked_until ON account (locked_until) WHERE locked_until <> 0;
