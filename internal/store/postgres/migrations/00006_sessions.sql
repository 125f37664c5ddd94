-- +goose Up
-- How officers are let in. Hashes are keyed: who reads the tables can open nothing. The name of a passkey is sealed under the key that key_id names, in pieces of
-- which last is the last, as contents are.

CREATE TABLE session (
	hash    BYTEA   NOT NULL PRIMARY KEY,
	officer TEXT    COLLATE "C" NOT NULL,
	way     TEXT    COLLATE "C" NOT NULL,
	made    BIGINT  NOT NULL,
	seen    BIGINT  NOT NULL,
	expires BIGINT  NOT NULL
);
CREATE INDEX session_officer ON session (officer, hash);

CREATE TABLE passkey (
	id        BYTEA   NOT NULL PRIMARY KEY,
	officer   TEXT    COLLATE "C" NOT NULL,
	record    BYTEA   NOT NULL,
	made      BIGINT  NOT NULL,
	last_used BIGINT  NOT NULL,
	count     BIGINT  NOT NULL,
	key_id    BIGINT  NOT NULL,
	last      BIGINT  NOT NULL
);
CREATE INDEX passkey_officer ON passkey (officer, id);

CREATE TABLE identity (
	hash    BYTEA   NOT NULL PRIMARY KEY,
	officer TEXT    COLLATE "C" NOT NULL,
	issuer  TEXT    COLLATE "C" NOT NULL,
	made    BIGINT  NOT NULL,
	made_by TEXT    COLLATE "C" NOT NULL
);
CREATE INDEX identity_officer ON identity (officer, hash);

-- What is good once and was used, until it would have expired.
CREATE TABLE spent (
	hash    BYTEA   NOT NULL PRIMARY KEY,
	expires BIGINT  NOT NULL
);
CREATE INDEX spent_expires ON spent (expires);
