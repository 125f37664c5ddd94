-- +goose Up
-- Who may act for the party, and what waits to be said. What is sealed is under the key that key_id names, in pieces of which last is the last, as contents
-- are. A blank stands between the words of a list.

CREATE TABLE officer (
	id         TEXT     COLLATE "C" NOT NULL PRIMARY KEY,
	roles      TEXT     COLLATE "C" NOT NULL,
	languages  TEXT     COLLATE "C" NOT NULL,
	disabled   SMALLINT NOT NULL,
	record     BYTEA    NOT NULL,
	made       BIGINT   NOT NULL,
	made_by    TEXT     COLLATE "C" NOT NULL,
	changed    BIGINT   NOT NULL,
	changed_by TEXT     COLLATE "C" NOT NULL,
	key_id     BIGINT   NOT NULL,
	last       BIGINT   NOT NULL
);

-- hash is keyed: who reads the table cannot show a token.
CREATE TABLE token (
	hash       BYTEA    NOT NULL PRIMARY KEY,
	officer    TEXT     COLLATE "C" NOT NULL,
	scopes     TEXT     COLLATE "C" NOT NULL,
	made       BIGINT   NOT NULL,
	made_by    TEXT     COLLATE "C" NOT NULL,
	expires    BIGINT   NOT NULL,
	last_used  BIGINT   NOT NULL,
	revoked    BIGINT   NOT NULL,
	revoked_by TEXT     COLLATE "C" NOT NULL
);
CREATE INDEX token_officer ON token (officer, hash);

CREATE TABLE link (
	hash    BYTEA    NOT NULL PRIMARY KEY,
	officer TEXT     COLLATE "C" NOT NULL,
	made    BIGINT   NOT NULL,
	made_by TEXT     COLLATE "C" NOT NULL,
	expires BIGINT   NOT NULL
);

CREATE TABLE draft (
	id      BYTEA    NOT NULL PRIMARY KEY,
	author  TEXT     COLLATE "C" NOT NULL,
	status  TEXT     COLLATE "C" NOT NULL,
	record  BYTEA    NOT NULL,
	made    BIGINT   NOT NULL,
	changed BIGINT   NOT NULL,
	key_id  BIGINT   NOT NULL,
	last    BIGINT   NOT NULL
);
