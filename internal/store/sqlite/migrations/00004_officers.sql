-- +goose Up
-- Who may act for the party, and what waits to be said. What is sealed is under the key that key_id names, in pieces of which last is the last, as contents
-- are. A blank stands between the words of a list.

CREATE TABLE officer (
	id         TEXT    NOT NULL PRIMARY KEY,
	roles      TEXT    NOT NULL,
	languages  TEXT    NOT NULL,
	disabled   INTEGER NOT NULL,
	record     BLOB    NOT NULL,
	made       INTEGER NOT NULL,
	made_by    TEXT    NOT NULL,
	changed    INTEGER NOT NULL,
	changed_by TEXT    NOT NULL,
	key_id     INTEGER NOT NULL,
	last       INTEGER NOT NULL
) STRICT;

-- hash is keyed: who reads the table cannot show a token.
CREATE TABLE token (
	hash       BLOB    NOT NULL PRIMARY KEY,
	officer    TEXT    NOT NULL,
	scopes     TEXT    NOT NULL,
	made       INTEGER NOT NULL,
	made_by    TEXT    NOT NULL,
	expires    INTEGER NOT NULL,
	last_used  INTEGER NOT NULL,
	revoked    INTEGER NOT NULL,
	revoked_by TEXT    NOT NULL
) STRICT;
CREATE INDEX token_officer ON token (officer, hash);

CREATE TABLE link (
	hash    BLOB    NOT NULL PRIMARY KEY,
	officer TEXT    NOT NULL,
	made    INTEGER NOT NULL,
	made_by TEXT    NOT NULL,
	expires INTEGER NOT NULL
) STRICT;

CREATE TABLE draft (
	id      BLOB    NOT NULL PRIMARY KEY,
	author  TEXT    NOT NULL,
	status  TEXT    NOT NULL,
	record  BLOB    NOT NULL,
	made    INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	key_id  INTEGER NOT NULL,
	last    INTEGER NOT NULL
) STRICT;
