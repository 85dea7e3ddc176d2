-- As of 2021: contacts have a table, groups are in t_user.
CREATE TABLE t_user (
	id INTEGER NOT NULL,
	date_created {DATETIME} NOT NULL,
	date_login {DATETIME},
	uuid VARCHAR NOT NULL,
	email VARCHAR NOT NULL,
	username VARCHAR NOT NULL,
	verified BOOLEAN NOT NULL,
	name VARCHAR,
	name_last_modified {DATETIME} NOT NULL,
	friendly_name VARCHAR NOT NULL,
	message VARCHAR,
	message_last_modified {DATETIME} NOT NULL,
	password VARCHAR NOT NULL,
	groups {JSON} NOT NULL,
	settings {JSON} NOT NULL,
	front_data {JSON} NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (uuid)
);
CREATE UNIQUE INDEX email_ci_index ON t_user (LOWER(email));
CREATE TABLE t_user_contact (
	user_id INTEGER NOT NULL,
	contact_id INTEGER NOT NULL,
	user_uuid VARCHAR NOT NULL,
	uuid VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	lists INTEGER NOT NULL,
	pending BOOLEAN NOT NULL,
	groups {JSON} NOT NULL,
	is_messenger_user BOOLEAN NOT NULL,
	index_id VARCHAR NOT NULL,
	notes VARCHAR,
	locations {JSON} NOT NULL,
	front_data {JSON} NOT NULL,
	PRIMARY KEY (user_id, contact_id)
);
INSERT INTO t_user (id, date_created, date_login, uuid, email, username, verified, name, name_last_modified, friendly_name, message, message_last_modified, password, groups, settings, front_data) VALUES
(1, '2019-05-01 12:34:56.789012', NULL, 'u-alice', 'Alice@example.com', 'alice', {TRUE}, 'roaming', '2020-08-01 00:00:00', 'Alice ♥', NULL, '2020-08-01 00:00:00',
	'pbkdf2_sha256$24000$0f3b5a8c9d1e2f4$Rfd8Um0mwor8yJO0xvyCdVPbP2ogiiYGfxHmqJaQ6KI=',
	'[{"id": "1", "uuid": "g-1", "name": "Friends", "is_favorite": false}, {"id": "3", "uuid": "g-3", "name": "Work", "is_favorite": true}]',
	'{"GTC": "N", "BLP": "BL", "PHH": "555 1234", "PHM": null, "MOB": "Y", "MPOP": "1"}', '{"msn": {"pw_md5": "md5$salt$WDhmRj4SuJwWmxFYAQ0b8w=="}}'),
(2, '2019-05-02 00:00:00', NULL, 'u-bob', 'bob@example.com', 'bob', {FALSE}, NULL, '2020-08-01 00:00:00', '', NULL, '2020-08-01 00:00:00',
	'sha1$broken', '{}', '{}', '{"msn": {"pw_md5": "md5$salt$WDhmRj4SuJwWmxFYAQ0b8w=="}}'),
(3, '2019-05-03 00:00:00', NULL, 'u-carol', 'carol@example.com', 'carol', {FALSE}, NULL, '2020-08-01 00:00:00', 'Carol', NULL, '2020-08-01 00:00:00',
	'', '[]', '{"BLP": "AL"}', '{}'),
(4, '2019-05-04 00:00:00', NULL, 'u-broken', 'not an address', 'broken', {FALSE}, NULL, '2020-08-01 00:00:00', 'Broken', NULL, '2020-08-01 00:00:00',
	'x', '[]', '{}', '{}');
INSERT INTO t_user_contact (user_id, contact_id, user_uuid, uuid, name, lists, pending, groups, is_messenger_user, index_id, notes, locations, front_data) VALUES
(1, 2, 'u-alice', 'u-bob', 'Bobby', 11, {FALSE}, '[{"id": "3", "uuid": "g-3"}, {"id": "1", "uuid": "g-1"}]', {TRUE}, '2', NULL, '{}', '{}'),
(1, 3, 'u-alice', 'u-carol', 'Carol', 6, {FALSE}, '[]', {TRUE}, '3', NULL, '{}', '{}'),
(2, 1, 'u-bob', 'u-alice', 'Alice', 3, {FALSE}, '[]', {TRUE}, '2', NULL, '{}', '{}'),
(3, 1, 'u-carol', 'u-alice', 'Alice', 24, {TRUE}, '[]', {FALSE}, '2', NULL, '{}', '{}'),
(3, 9, 'u-carol', 'u-gone', 'Gone', 3, {FALSE}, '[]', {TRUE}, '3', NULL, '{}', '{}'),
(3, 4, 'u-carol', 'u-broken', 'Broken', 3, {FALSE}, '[]', {TRUE}, '4', NULL, '{}', '{}');
