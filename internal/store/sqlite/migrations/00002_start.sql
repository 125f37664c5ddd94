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

-- A log has a short number here, so that a statement's place is one integer. Rows are never changed nor deleted: programs remember them.
CREATE TABLE origin (
	no   INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT;

-- place is origin.no << 40 | leaf: what is said is written at the end of its log. thread is NULL for statements of no thread.
CREATE TABLE statement (
	place      INTEGER PRIMARY KEY,
	id         BLOB    NOT NULL,
	thread     BLOB,
	kind       TEXT    NOT NULL,
	precedence TEXT    NOT NULL,
	proof_at   INTEGER NOT NULL,
	arrived    INTEGER NOT NULL,
	folded     INTEGER NOT NULL,
	void       TEXT    NOT NULL,
	head       BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX statement_id ON statement (id);
CREATE INDEX statement_thread ON statement (thread, arrived, place) WHERE thread IS NOT NULL;
-- Most are routine: those are found along the primary key.
CREATE INDEX statement_precedence ON statement (precedence, place) WHERE precedence <> 'routine';

CREATE TABLE thread (
	id      BLOB    NOT NULL PRIMARY KEY,
	desk    TEXT    NOT NULL,
	opened  INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	waiting INTEGER NOT NULL,
	unread  INTEGER NOT NULL,
	summary BLOB    NOT NULL,
	state   BLOB    NOT NULL
) STRICT;
-- The list of all threads is put together from those of the desks, which are few: this row changes with every statement.
CREATE INDEX thread_list ON thread (desk, updated, id);

-- A key belongs to one body or blob. Those that one transaction made lie side by side in a row, which is never deleted, only overwritten: see keys.go.
CREATE TABLE content_key (
	id      INTEGER PRIMARY KEY,
	secrets BLOB NOT NULL
) STRICT;

-- id is statement.place << 9 | part + 1, where part -1 is the body. sha256 is NULL on the tombstone of what was never announced. What came at once has
-- its bytes in sealed; what came in pieces has them in content_chunk, and their number in chunks. key_id is content_key.id << 7 | place of the key in the
-- row, 0 when there is none.
CREATE TABLE content (
	id      INTEGER PRIMARY KEY,
	size    INTEGER NOT NULL,
	arrived INTEGER NOT NULL,
	whole   INTEGER NOT NULL,
	erased  INTEGER NOT NULL,
	chunks  INTEGER NOT NULL,
	key_id  INTEGER NOT NULL,
	sha256  BLOB,
	sealed  BLOB
) STRICT;
CREATE INDEX content_blob ON content (sha256) WHERE (id & 511) <> 0;
CREATE INDEX content_part ON content (id) WHERE (id & 511) <> 0;
CREATE INDEX content_erased ON content (id) WHERE erased = 1;

-- id is content.key_id << 24 | number of the chunk.
CREATE TABLE content_chunk (
	id     INTEGER PRIMARY KEY,
	sealed BLOB NOT NULL
) STRICT;

-- Tombstones of statements that are not here: they move to content when the statement comes.
CREATE TABLE tombstone (
	statement BLOB    NOT NULL,
	part      INTEGER NOT NULL,
	PRIMARY KEY (statement, part)
) STRICT, WITHOUT ROWID;

-- The ranges of one peer, log and kind do not overlap: see delivery.go.
CREATE TABLE arrival (
	peer    TEXT    NOT NULL,
	origin  TEXT    NOT NULL,
	what    TEXT    NOT NULL,
	lo      INTEGER NOT NULL,
	hi      INTEGER NOT NULL,
	receipt BLOB    NOT NULL,
	time    INTEGER NOT NULL,
	PRIMARY KEY (peer, origin, what, lo)
) STRICT, WITHOUT ROWID;

CREATE TABLE peer (
	code         TEXT    NOT NULL,
	origin       TEXT    NOT NULL,
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
	last_heard   INTEGER NOT NULL,
	PRIMARY KEY (code, origin)
) STRICT;

CREATE TABLE lease (
	name   TEXT    NOT NULL PRIMARY KEY,
	holder TEXT    NOT NULL,
	ends   INTEGER NOT NULL
) STRICT;

CREATE TABLE meta (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;
INSERT INTO meta (name, value) VALUES ('incarnation', lower(hex(randomblob(16))));

CREATE TABLE wanted (
	from_code TEXT NOT NULL,
	id        BLOB NOT NULL,
	PRIMARY KEY (from_code, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX wanted_id ON wanted (id);

CREATE TABLE requested (
	peer TEXT NOT NULL,
	id   BLOB NOT NULL,
	PRIMARY KEY (peer, id)
) STRICT, WITHOUT ROWID;
