-- Accounts are numbered 1, 2, 3, ... below 2^31, in the order they came in. INTEGER as the
-- primary key is what SQLite finds a row by without an index; in PostgreSQL it has 32 bits.

-- The last number given. It is not given again when its account is removed.
CREATE TABLE last_account (
	id BIGINT NOT NULL CHECK (id BETWEEN 0 AND 2147483647)
);

INSERT INTO last_account (id) SELECT COUNT(*) FROM account;

CREATE TABLE renumbered (
	old BIGINT PRIMARY KEY,
	id  INTEGER NOT NULL
);

INSERT INTO renumbered (old, id) SELECT id, row_number() OVER (ORDER BY id) FROM account;

ALTER TABLE account RENAME TO old_account;
ALTER TABLE contact_group RENAME TO old_contact_group;
ALTER TABLE contact RENAME TO old_contact;
ALTER TABLE property RENAME TO old_property;
ALTER TABLE mailbox RENAME TO old_mailbox;

CREATE TABLE account (
	id            INTEGER PRIMARY KEY,
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
	owner  INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	number BIGINT NOT NULL CHECK (number BETWEEN 0 AND 29),
	name   TEXT NOT NULL,
	PRIMARY KEY (owner, number),
	UNIQUE (owner, name)
);

-- What owner keeps about peer. lists is a sum of FL 1, AL 2 and BL 4; the reverse list is
-- the forward lists of others. in_groups has bit n set for group n, and is empty for people
-- off FL. A row with lists 0 holds the name given to somebody who is on RL alone.
CREATE TABLE contact (
	owner     INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	peer      INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	lists     BIGINT NOT NULL CHECK (lists BETWEEN 0 AND 5),
	in_groups BIGINT NOT NULL,
	stored    TEXT NOT NULL CHECK (stored <> ''),
	PRIMARY KEY (owner, peer),
	CHECK (((lists & 1) = 1) = (in_groups <> 0))
);

CREATE TABLE property (
	owner INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	type  TEXT NOT NULL,
	value TEXT NOT NULL CHECK (value <> ''),
	PRIMARY KEY (owner, type)
);

-- An account with a mailbox: how much is unread, and the page to read it on, or ''.
CREATE TABLE mailbox (
	owner   INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
	inbox   BIGINT NOT NULL CHECK (inbox >= 0),
	folders BIGINT NOT NULL CHECK (folders >= 0),
	url     TEXT NOT NULL,
	version BIGINT NOT NULL
);

INSERT INTO account (id, handle, name, password_hash, credential, disabled, version, prompt, policy, created)
	SELECT n.id, o.handle, o.name, o.password_hash, o.credential, o.disabled, o.version, o.prompt, o.policy, o.created
	FROM old_account o JOIN renumbered n ON n.old = o.id
	ORDER BY n.id;

INSERT INTO contact_group (owner, number, name)
	SELECT n.id, o.number, o.name
	FROM old_contact_group o JOIN renumbered n ON n.old = o.owner
	ORDER BY n.id, o.number;

INSERT INTO contact (owner, peer, lists, in_groups, stored)
	SELECT n.id, p.id, o.lists, o.in_groups, o.stored
	FROM old_contact o JOIN renumbered n ON n.old = o.owner JOIN renumbered p ON p.old = o.peer
	ORDER BY n.id, p.id;

INSERT INTO property (owner, type, value)
	SELECT n.id, o.type, o.value
	FROM old_property o JOIN renumbered n ON n.old = o.owner
	ORDER BY n.id, o.type;

INSERT INTO mailbox (owner, inbox, folders, url, version)
	SELECT n.id, o.inbox, o.folders, o.url, o.version
	FROM old_mailbox o JOIN renumbered n ON n.old = o.owner
	ORDER BY n.id;

-- Whose inviter has been removed counts for nobody, as before: 0 is no account.
UPDATE invitation SET inviter = COALESCE((SELECT n.id FROM renumbered n WHERE n.old = invitation.inviter), 0);

DROP TABLE old_mailbox;
DROP TABLE old_property;
DROP TABLE old_contact;
DROP TABLE old_contact_group;
DROP TABLE old_account;
DROP TABLE renumbered;

-- What others keep about somebody, all that a roster needs of it.
CREATE INDEX contact_of_peer ON contact (peer, owner, lists);
