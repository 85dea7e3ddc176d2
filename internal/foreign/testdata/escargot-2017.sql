-- As of 2017: everything is in t_user.
CREATE TABLE t_user (
	id INTEGER NOT NULL,
	type INTEGER NOT NULL,
	date_created {DATETIME},
	date_login {DATETIME},
	uuid VARCHAR NOT NULL,
	email VARCHAR NOT NULL,
	verified BOOLEAN NOT NULL,
	name VARCHAR NOT NULL,
	message VARCHAR NOT NULL,
	password VARCHAR NOT NULL,
	password_md5 VARCHAR NOT NULL,
	settings {JSON} NOT NULL,
	groups {JSON} NOT NULL,
	contacts {JSON} NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (uuid),
	UNIQUE (email)
);
INSERT INTO t_user (id, type, date_created, date_login, uuid, email, verified, name, message, password, password_md5, settings, groups, contacts) VALUES
(1, 1, NULL, NULL, 'u-alice', 'Alice@example.com', {TRUE}, 'Alice ♥', '', 'pbkdf2_sha256$24000$0f3b5a8c9d1e2f4$Rfd8Um0mwor8yJO0xvyCdVPbP2ogiiYGfxHmqJaQ6KI=', '',
	'{"GTC": "N", "BLP": "BL", "PHH": "555 1234", "MOB": "Y"}',
	'[{"id": 1, "name": "Friends"}, {"id": 3, "name": "Work"}]',
	'[{"uuid": "u-bob", "name": "Bobby", "message": "", "lists": 11, "groups": [3, 1]}, {"uuid": "u-carol", "name": "Carol", "message": "", "lists": 6, "groups": []}]'),
(2, 1, NULL, NULL, 'u-bob', 'bob@example.com', {TRUE}, '', '', '', 'md5$salt$WDhmRj4SuJwWmxFYAQ0b8w==', '{}', '[]',
	'[{"uuid": "u-alice", "name": "Alice", "message": "", "lists": 3, "groups": []}]'),
(3, 1, NULL, NULL, 'u-carol', 'carol@example.com', {TRUE}, 'Carol', '', '', '', '{}', '[]',
	'[{"uuid": "u-alice", "name": "Alice", "lists": 8, "groups": []}, {"uuid": "u-gone", "name": "Gone", "lists": 3, "groups": []}, {"uuid": "u-broken", "name": "B", "lists": 3, "groups": []}]'),
(4, 1, NULL, NULL, 'u-broken', 'not an address', {FALSE}, 'Broken', '', 'x', '', '{}', '[]', '{}');
