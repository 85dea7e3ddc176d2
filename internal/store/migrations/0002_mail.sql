-- An account with a mailbox: how much is unread, and the page to read it on, or ''.
CREATE TABLE mailbox (
	owner   BIGINT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
	inbox   BIGINT NOT NULL CHECK (inbox >= 0),
	folders BIGINT NOT NULL CHECK (folders >= 0),
	url     TEXT NOT NULL,
	version BIGINT NOT NULL
);

-- Invitations by mail of the last week, which limit the next ones. An account that is removed
-- leaves its invitations here. recipient is the SHA-256 of the address, in hex: whose it was
-- is nobody's business.
CREATE TABLE invitation (
	recipient TEXT NOT NULL,
	sent      BIGINT NOT NULL,
	inviter   BIGINT NOT NULL,
	PRIMARY KEY (recipient, sent)
);

CREATE INDEX invitation_of_inviter ON invitation (inviter, sent);

CREATE INDEX invitation_by_time ON invitation (sent);
