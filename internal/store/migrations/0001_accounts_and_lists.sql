-- Accounts and their contact lists. Text that people write is kept percent-encoded.

CREATE TABLE account (
	id            BIGINT PRIMARY KEY,
	handle        TEXT NOT NULL UNIQUE,
	name          TEXT NOT NULL CHECK (name <> ''),
	password_hash TEXT NOT NULL,
	credential    BIGINT NOT NULL,
	disabled      BOOLEAN NOT NULL,
	version       BIGINT NOT NULL CHECK (version > 0),
	prompt        TEXT NOT NULL CHECK (prompt IN ('A', 'N')),
	policy        TEXT NOT NULL CHECK (policy IN ('AL', 'BL')),
	created       BIGINT NOT NULL
);

CREATE TABLE contact_group (
	owner  BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	number BIGINT NOT NULL CHECK (number BETWEEN 0 AND 29),
	name   TEXT NOT NULL,
	PRIMARY KEY (owner, number),
	UNIQUE (owner, name)
);

-- What owner keeps about peer. lists is a sum of FL 1, AL 2 and BL 4; the reverse list is
-- the forward lists of others. in_groups has bit n set for group n, and is empty for people
-- off FL. A row with lists 0 holds the name given to somebody who is on RL alone.
CREATE TABLE contact (
	owner     BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	peer      BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	lists     BIGINT NOT NULL CHECK (lists BETWEEN 0 AND 5),
	in_groups BIGINT NOT NULL,
	stored    TEXT NOT NULL CHECK (stored <> ''),
	PRIMARY KEY (owner, peer),
	CHECK (((lists & 1) = 1) = (in_groups <> 0))
);

CREATE INDEX contact_of_peer ON contact (peer, owner);

CREATE TABLE property (
	owner BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	type  TEXT NOT NULL,
	value TEXT NOT NULL CHECK (value <> ''),
	PRIMARY KEY (owner, type)
);

-- secret is in hex.
CREATE TABLE signing_key (
	id      BIGINT PRIMARY KEY,
	secret  TEXT NOT NULL,
	created BIGINT NOT NULL
);
