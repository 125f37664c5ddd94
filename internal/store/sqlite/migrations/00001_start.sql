-- +goose Up
-- Times are milliseconds since 1970, 0 when absent. Ids, digests and hashes are 32 bytes. Booleans are 0 and 1.

CREATE TABLE letter (
	code         TEXT    NOT NULL,
	serial       INTEGER NOT NULL,
	digest       BLOB    NOT NULL,
	raw          BLOB    NOT NULL,
	status       TEXT    NOT NULL,
	confirmed_at INTEGER NOT NULL,
	PRIMARY KEY (code, serial, digest)
) STRICT;

CREATE TABLE tile (
	origin TEXT    NOT NULL,
	level  INTEGER NOT NULL,
	n      INTEGER NOT NULL,
	hashes BLOB    NOT NULL,
	PRIMARY KEY (origin, level, n)
) STRICT;

CREATE TABLE checkpoint (
	origin TEXT    NOT NULL,
	size   INTEGER NOT NULL,
	root   BLOB    NOT NULL,
	time   INTEGER NOT NULL,
	note   BLOB    NOT NULL,
	cosigs INTEGER NOT NULL,
	proven INTEGER NOT NULL,
	PRIMARY KEY (origin, size, root)
) STRICT;
CREATE INDEX checkpoint_proven ON checkpoint (origin, size) WHERE proven = 1;

CREATE TABLE consistency (
	origin    TEXT    NOT NULL,
	from_size INTEGER NOT NULL,
	to_size   INTEGER NOT NULL,
	hashes    BLOB    NOT NULL,
	PRIMARY KEY (origin, from_size, to_size)
) STRICT;

CREATE TABLE tile_path (
	origin TEXT    NOT NULL,
	n      INTEGER NOT NULL,
	size   INTEGER NOT NULL,
	path   BLOB    NOT NULL,
	PRIMARY KEY (origin, n, size)
) STRICT;

-- digest covers both notes.
CREATE TABLE fork (
	origin TEXT    NOT NULL,
	digest BLOB    NOT NULL,
	note_a BLOB    NOT NULL,
	note_b BLOB    NOT NULL,
	found  INTEGER NOT NULL,
	why    TEXT    NOT NULL,
	PRIMARY KEY (origin, digest)
) STRICT;

CREATE TABLE statement (
	id           BLOB    NOT NULL PRIMARY KEY,
	thread       BLOB    NOT NULL,
	origin       TEXT    NOT NULL,
	leaf         INTEGER NOT NULL,
	kind         TEXT    NOT NULL,
	precedence   TEXT    NOT NULL,
	proof_at     INTEGER NOT NULL,
	head         BLOB    NOT NULL,
	arrived      INTEGER NOT NULL,
	folded       INTEGER NOT NULL,
	void         TEXT    NOT NULL,
	head_receipt BLOB,
	body_receipt BLOB,
	blob_receipt BLOB
) STRICT;
CREATE UNIQUE INDEX statement_leaf ON statement (origin, leaf);
CREATE INDEX statement_precedence ON statement (origin, precedence, leaf);
CREATE INDEX statement_kind ON statement (origin, kind, leaf);
CREATE INDEX statement_thread ON statement (thread, arrived, origin, leaf);

CREATE TABLE thread (
	id      BLOB    NOT NULL PRIMARY KEY,
	desk    TEXT    NOT NULL,
	state   BLOB    NOT NULL,
	summary BLOB    NOT NULL,
	opened  INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	waiting INTEGER NOT NULL,
	unread  INTEGER NOT NULL
) STRICT;
CREATE INDEX thread_updated ON thread (updated, id);
CREATE INDEX thread_desk ON thread (desk, updated, id);

-- A key belongs to one body or blob. Its row is never deleted, only overwritten: see contents.go.
CREATE TABLE content_key (
	id     INTEGER PRIMARY KEY,
	secret BLOB NOT NULL
) STRICT;

-- sha256 is NULL on the tombstone of what was never announced.
CREATE TABLE content (
	statement BLOB    NOT NULL,
	part      INTEGER NOT NULL,
	sha256    BLOB,
	size      INTEGER NOT NULL,
	arrived   INTEGER NOT NULL,
	whole     INTEGER NOT NULL,
	erased    INTEGER NOT NULL,
	key_id    INTEGER REFERENCES content_key (id),
	PRIMARY KEY (statement, part)
) STRICT;
CREATE INDEX content_sha256 ON content (sha256, statement, part);
CREATE INDEX content_erased ON content (statement, part) WHERE erased = 1;

CREATE TABLE content_chunk (
	key_id INTEGER NOT NULL,
	start  INTEGER NOT NULL,
	sealed BLOB    NOT NULL,
	PRIMARY KEY (key_id, start)
) STRICT;

-- The ranges of one peer and kind do not overlap: see delivery.go.
CREATE TABLE arrival (
	peer    TEXT    NOT NULL,
	what    TEXT    NOT NULL,
	lo      INTEGER NOT NULL,
	hi      INTEGER NOT NULL,
	receipt BLOB    NOT NULL,
	time    INTEGER NOT NULL,
	PRIMARY KEY (peer, what, lo)
) STRICT;

CREATE TABLE peer (
	code         TEXT    NOT NULL PRIMARY KEY,
	cursors      BLOB    NOT NULL,
	blob_cursor  INTEGER NOT NULL,
	accepted     INTEGER NOT NULL,
	their_size   INTEGER NOT NULL,
	gossip       BLOB    NOT NULL,
	last_try     INTEGER NOT NULL,
	last_success INTEGER NOT NULL,
	attempts     INTEGER NOT NULL,
	next_try     INTEGER NOT NULL,
	last_error   TEXT    NOT NULL,
	last_code    TEXT    NOT NULL,
	last_heard   INTEGER NOT NULL
) STRICT;

CREATE TABLE meta (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;

CREATE TABLE wanted (
	from_code TEXT NOT NULL,
	id        BLOB NOT NULL,
	PRIMARY KEY (from_code, id)
) STRICT;
CREATE INDEX wanted_id ON wanted (id);

CREATE TABLE requested (
	peer TEXT NOT NULL,
	id   BLOB NOT NULL,
	PRIMARY KEY (peer, id)
) STRICT;
