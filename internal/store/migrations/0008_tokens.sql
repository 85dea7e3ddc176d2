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
