-- As of the beginning of 2019: groups have a table, too.
CREATE TABLE t_user (
	id INTEGER NOT NULL,
	date_created {DATETIME},
	date_login {DATETIME},
	uuid VARCHAR NOT NULL,
	email VARCHAR NOT NULL,
	relay BOOLEAN NOT NULL,
	verified BOOLEAN NOT NULL,
	name VARCHAR,
	message VARCHAR NOT NULL,
	password VARCHAR NOT NULL,
	settings {JSON} NOT NULL,
	front_data {JSON} NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (uuid)
);
CREATE TABLE t_user_group (
	id INTEGER NOT NULL,
	user_uuid VARCHAR NOT NULL,
	group_id VARCHAR NOT NULL,
	group_uuid VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	is_favorite BOOLEAN NOT NULL,
	date_last_modified {DATETIME},
	PRIMARY KEY (id)
);
CREATE TABLE t_user_contact (
	id INTEGER NOT NULL,
	user_uuid VARCHAR NOT NULL,
	uuid VARCHAR NOT NULL,
	name VARCHAR,
	message VARCHAR,
	lists INTEGER NOT NULL,
	groups {JSON} NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO t_user (id, date_created, date_login, uuid, email, relay, verified, name, message, password, settings, front_data) VALUES
(1, NULL, NULL, 'u-alice', 'Alice@example.com', {FALSE}, {TRUE}, 'Alice ♥', '', 'pbkdf2_sha256$24000$0f3b5a8c9d1e2f4$Rfd8Um0mwor8yJO0xvyCdVPbP2ogiiYGfxHmqJaQ6KI=',
	'{"GTC": "N", "BLP": "BL", "PHH": "555 1234", "MOB": "Y"}', '{}'),
(2, NULL, NULL, 'u-bob', 'bob@example.com', {FALSE}, {TRUE}, NULL, '', 'sha1$broken', '{}', '{"msn": {"pw_md5": "md5$salt$WDhmRj4SuJwWmxFYAQ0b8w=="}}'),
(3, NULL, NULL, 'u-carol', 'carol@example.com', {FALSE}, {TRUE}, 'Carol', '', '', '{}', '{}'),
(4, NULL, NULL, 'u-broken', 'not an address', {FALSE}, {TRUE}, 'Broken', '', 'x', '{}', '{}');
INSERT INTO t_user_group (id, user_uuid, group_id, group_uuid, name, is_favorite, date_last_modified) VALUES
(1, 'u-alice', '1', 'g-1', 'Friends', {FALSE}, NULL),
(2, 'u-alice', '3', 'g-3', 'Work', {FALSE}, NULL);
INSERT INTO t_user_contact (id, user_uuid, uuid, name, message, lists, groups) VALUES
(1, 'u-alice', 'u-bob', 'Bobby', NULL, 11, '[{"id": "3", "uuid": "g-3"}, {"id": "1", "uuid": "g-1"}]'),
(2, 'u-alice', 'u-carol', 'Carol', NULL, 6, '[]'),
(3, 'u-bob', 'u-alice', 'Alice', NULL, 3, '[]'),
(4, 'u-carol', 'u-alice', 'Alice', NULL, 24, '[]'),
(5, 'u-carol', 'u-gone', 'Gone', NULL, 3, '[]'),
(6, 'u-carol', 'u-broken', 'Broken', NULL, 3, '[]');
