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
