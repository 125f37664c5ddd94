-- +goose Up
-- How officers are let in. Hashes are keyed: who reads the tables can open nothing. The name of a passkey is sealed under the key that key_id names, in pieces of
-- which last is the last, as contents are.

CREATE TABLE session (
	hash    BLOB    NOT NULL PRIMARY KEY,
	officer TEXT    NOT NULL,
	way     TEXT    NOT NULL,
	made    INTEGER NOT NULL,
	seen    INTEGER NOT NULL,
	expires INTEGER NOT NULL
) STRICT;
CREATE INDEX session_officer ON session (officer, hash);

CREATE TABLE passkey (
	id        BLOB    NOT NULL PRIMARY KEY,
	officer   TEXT    NOT NULL,
	record    BLOB    NOT NULL,
	made      INTEGER NOT NULL,
	last_used INTEGER NOT NULL,
	count     INTEGER NOT NULL,
	key_id    INTEGER NOT NULL,
	last      INTEGER NOT NULL
) STRICT;
CREATE INDEX passkey_officer ON passkey (officer, id);

CREATE TABLE identity (
	hash    BLOB    NOT NULL PRIMARY KEY,
	officer TEXT    NOT NULL,
	issuer  TEXT    NOT NULL,
	made    INTEGER NOT NULL,
	made_by TEXT    NOT NULL
) STRICT;
CREATE INDEX identity_officer ON identity (officer, hash);

-- What is good once and was used, until it would have expired.
CREATE TABLE spent (
	hash    BLOB    NOT NULL PRIMARY KEY,
	expires INTEGER NOT NULL
) STRICT;
CREATE INDEX spent_expires ON spent (expires);
