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
