-- Who is signed in at the website. token is the SHA-256 of what the browser has, in hex. A
-- session is worth nothing once its account has another credential.
CREATE TABLE web_session (
	token      TEXT PRIMARY KEY,
	owner      INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	credential BIGINT NOT NULL,
	created    BIGINT NOT NULL,
	seen       BIGINT NOT NULL,
	agent      TEXT NOT NULL,
	address    TEXT NOT NULL
);

CREATE INDEX web_session_of_owner ON web_session (owner, seen);

CREATE INDEX web_session_by_time ON web_session (seen);

-- Codes that let people sign up, with how many of them. expires is 0 for one that does not.
CREATE TABLE invite_code (
	code      TEXT PRIMARY KEY,
	uses_left BIGINT NOT NULL CHECK (uses_left > 0),
	created   BIGINT NOT NULL,
	expires   BIGINT NOT NULL,
	made_by   TEXT NOT NULL
);

-- Letters that are on their way: token is the SHA-256 of what their link has, in hex, and
-- recipient that of the address. One that confirms has the account that it will make; one that
-- resets a password has whose it is, and is worth nothing once he has another credential.
CREATE TABLE letter_token (
	token         TEXT PRIMARY KEY,
	kind          TEXT NOT NULL CHECK (kind IN ('confirm', 'reset')),
	recipient     TEXT NOT NULL,
	owner         INTEGER REFERENCES account (id) ON DELETE CASCADE,
	credential    BIGINT NOT NULL,
	handle        TEXT NOT NULL,
	name          TEXT NOT NULL,
	password_hash TEXT NOT NULL,
	invite        TEXT NOT NULL,
	expires       BIGINT NOT NULL,
	CHECK ((kind = 'reset') = (owner IS NOT NULL))
);

CREATE INDEX letter_token_of_recipient ON letter_token (recipient, expires);

CREATE INDEX letter_token_of_owner ON letter_token (owner);

CREATE INDEX letter_token_by_time ON letter_token (expires);
