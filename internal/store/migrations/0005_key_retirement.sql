-- When a key that was replaced stops accepting what it signed; 0 for the one that signs.
ALTER TABLE signing_key ADD COLUMN retires BIGINT NOT NULL DEFAULT 0;
