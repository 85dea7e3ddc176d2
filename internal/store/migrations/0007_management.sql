-- What somebody may do for the service besides using it; '' is nothing.
ALTER TABLE account ADD COLUMN role TEXT NOT NULL DEFAULT '' CHECK (role IN ('', 'moderator', 'administrator'));

-- What programs manage the service with. hash is the SHA-256 of the token, in hex; scopes are words
-- with spaces between them; expires is 0 for one that does not, used for one that was not yet.
CREATE TABLE api_token (
	id      TEXT PRIMARY KEY,
	name    TEXT NOT NULL UNIQUE,
	hash    TEXT NOT NULL UNIQUE,
	scopes  TEXT NOT NULL,
	created BIGINT NOT NULL,
	made_by TEXT NOT NULL,
	expires BIGINT NOT NULL,
	used    BIGINT NOT NULL
);

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

-- Addresses that are told of events. events is a list of patterns separated by spaces. retry is when
-- to try again, in Unix seconds, after so many failures in a row; lease is until when the node called
-- holder alone tells it.
CREATE TABLE webhook (
	id         TEXT PRIMARY KEY,
	url        TEXT NOT NULL,
	secret     TEXT NOT NULL,
	events     TEXT NOT NULL,
	created    BIGINT NOT NULL,
	made_by    TEXT NOT NULL,
	delivered  BIGINT NOT NULL DEFAULT 0,
	lost       BIGINT NOT NULL DEFAULT 0,
	told       BIGINT NOT NULL DEFAULT 0,
	last_error TEXT NOT NULL DEFAULT '',
	failures   BIGINT NOT NULL DEFAULT 0,
	retry      BIGINT NOT NULL DEFAULT 0,
	holder     TEXT NOT NULL DEFAULT '',
	lease      BIGINT NOT NULL DEFAULT 0
);

-- What they are still to be told, in the order of made (Unix microseconds).
CREATE TABLE webhook_delivery (
	id      TEXT PRIMARY KEY,
	webhook TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
	made    BIGINT NOT NULL,
	body    TEXT NOT NULL,
	refused BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX webhook_delivery_in_order ON webhook_delivery (webhook, made, id);

-- The accounts of this service at authorities that certify names over ACME, by the address of their
-- directory. The private key, which is the account, is PKCS #8 in hex.
CREATE TABLE acme_account (
	directory   TEXT PRIMARY KEY,
	private_key TEXT NOT NULL
);

-- The website's certificate, for each directory and name that was ever configured. chain and
-- private_key are PEM, both empty until there is one. Whichever node asks for one has written until
-- when into busy, and after a failure into retry when the next attempt may be.
CREATE TABLE acme_certificate (
	directory   TEXT NOT NULL,
	host        TEXT NOT NULL,
	chain       TEXT NOT NULL,
	private_key TEXT NOT NULL,
	busy        BIGINT NOT NULL,
	retry       BIGINT NOT NULL,
	failures    BIGINT NOT NULL,
	PRIMARY KEY (directory, host)
);

-- What an authority asks nodes for while it looks whether a name is that of this service.
CREATE TABLE acme_challenge (
	token   TEXT PRIMARY KEY,
	host    TEXT NOT NULL,
	answer  TEXT NOT NULL,
	expires BIGINT NOT NULL
);
