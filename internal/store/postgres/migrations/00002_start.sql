-- +goose Up
-- The tables of internal/store/sqlite, in PostgreSQL's types. Text is compared by its bytes: pages of a listing go on where the last one ended.
-- Times are milliseconds since 1970, 0 when absent. Ids, digests and hashes are 32 bytes. Booleans are 0 and 1.

CREATE TABLE letter (
	code         TEXT     COLLATE "C" NOT NULL,
	serial       BIGINT   NOT NULL,
	digest       BYTEA    NOT NULL,
	raw          BYTEA    NOT NULL,
	status       TEXT     COLLATE "C" NOT NULL,
	confirmed_at BIGINT   NOT NULL,
	PRIMARY KEY (code, serial, digest)
);

CREATE TABLE tile (
	origin TEXT     COLLATE "C" NOT NULL,
	level  BIGINT   NOT NULL,
	n      BIGINT   NOT NULL,
	hashes BYTEA    NOT NULL,
	PRIMARY KEY (origin, level, n)
);

CREATE TABLE checkpoint (
	origin TEXT     COLLATE "C" NOT NULL,
	size   BIGINT   NOT NULL,
	root   BYTEA    NOT NULL,
	time   BIGINT   NOT NULL,
	note   BYTEA    NOT NULL,
	cosigs BIGINT   NOT NULL,
	proven SMALLINT NOT NULL,
	PRIMARY KEY (origin, size, root)
);
CREATE INDEX checkpoint_proven ON checkpoint (origin, size) WHERE proven = 1;

CREATE TABLE consistency (
	origin    TEXT     COLLATE "C" NOT NULL,
	from_size BIGINT   NOT NULL,
	to_size   BIGINT   NOT NULL,
	hashes    BYTEA    NOT NULL,
	PRIMARY KEY (origin, from_size, to_size)
);

CREATE TABLE tile_path (
	origin TEXT     COLLATE "C" NOT NULL,
	n      BIGINT   NOT NULL,
	size   BIGINT   NOT NULL,
	path   BYTEA    NOT NULL,
	PRIMARY KEY (origin, n, size)
);

-- digest covers both notes.
CREATE TABLE fork (
	origin TEXT     COLLATE "C" NOT NULL,
	digest BYTEA    NOT NULL,
	note_a BYTEA    NOT NULL,
	note_b BYTEA    NOT NULL,
	found  BIGINT   NOT NULL,
	why    TEXT     COLLATE "C" NOT NULL,
	PRIMARY KEY (origin, digest)
);

-- A log has a short number here, so that a statement's place is one integer. Rows are never changed nor deleted: programs remember them.
CREATE TABLE origin (
	no   BIGINT   PRIMARY KEY,
	name TEXT     COLLATE "C" NOT NULL UNIQUE
);

-- place is origin.no << 40 | leaf: what is said is written at the end of its log. thread is NULL for statements of no thread.
CREATE TABLE statement (
	place      BIGINT   PRIMARY KEY,
	id         BYTEA    NOT NULL,
	thread     BYTEA,
	kind       TEXT     COLLATE "C" NOT NULL,
	precedence TEXT     COLLATE "C" NOT NULL,
	proof_at   BIGINT   NOT NULL,
	arrived    BIGINT   NOT NULL,
	folded     SMALLINT NOT NULL,
	void       TEXT     COLLATE "C" NOT NULL,
	head       BYTEA    NOT NULL
);
CREATE UNIQUE INDEX statement_id ON statement (id);
CREATE INDEX statement_thread ON statement (thread, arrived, place) WHERE thread IS NOT NULL;
-- Most are routine: those are found along the primary key.
CREATE INDEX statement_precedence ON statement (precedence, place) WHERE precedence <> 'routine';

CREATE TABLE thread (
	id      BYTEA    NOT NULL PRIMARY KEY,
	desk    TEXT     COLLATE "C" NOT NULL,
	opened  BIGINT   NOT NULL,
	updated BIGINT   NOT NULL,
	waiting BIGINT   NOT NULL,
	unread  BIGINT   NOT NULL,
	summary BYTEA    NOT NULL,
	state   BYTEA    NOT NULL
);
-- The list of all threads is put together from those of the desks, which are few: this row changes with every statement.
CREATE INDEX thread_list ON thread (desk, updated, id);

-- A key belongs to one body or blob. Those that one transaction made lie side by side in a row, which is never deleted, only overwritten: see keys.go.
CREATE TABLE content_key (
	id      BIGINT   PRIMARY KEY,
	secrets BYTEA    NOT NULL
);
ALTER TABLE content_key ALTER COLUMN secrets SET STORAGE PLAIN;

-- id is statement.place << 9 | part + 1, where part -1 is the body. sha256 is NULL on the tombstone of what was never announced. What came at once has
-- its bytes in sealed; what came in pieces has them in content_chunk, and their number in chunks. key_id is content_key.id << 7 | place of the key in the
-- row, 0 when there is none.
CREATE TABLE content (
	id      BIGINT   PRIMARY KEY,
	size    BIGINT   NOT NULL,
	arrived BIGINT   NOT NULL,
	whole   SMALLINT NOT NULL,
	erased  SMALLINT NOT NULL,
	chunks  BIGINT   NOT NULL,
	key_id  BIGINT   NOT NULL,
	sha256  BYTEA,
	sealed  BYTEA
);
ALTER TABLE content ALTER COLUMN sealed SET STORAGE EXTERNAL; -- what is encrypted is not compressed in vain
CREATE INDEX content_blob ON content (sha256) WHERE (id & 511) <> 0;
CREATE INDEX content_part ON content (id) WHERE (id & 511) <> 0;
CREATE INDEX content_erased ON content (id) WHERE erased = 1;

-- id is content.key_id << 24 | number of the chunk.
CREATE TABLE content_chunk (
	id     BIGINT   PRIMARY KEY,
	sealed BYTEA    NOT NULL
);

-- Tombstones of statements that are not here: they move to content when the statement comes.
CREATE TABLE tombstone (
	statement BYTEA    NOT NULL,
	part      BIGINT   NOT NULL,
	PRIMARY KEY (statement, part)
);

-- The ranges of one peer, log and kind do not overlap: see delivery.go.
CREATE TABLE arrival (
	peer    TEXT     COLLATE "C" NOT NULL,
	origin  TEXT     COLLATE "C" NOT NULL,
	what    TEXT     COLLATE "C" NOT NULL,
	lo      BIGINT   NOT NULL,
	hi      BIGINT   NOT NULL,
	receipt BYTEA    NOT NULL,
	time    BIGINT   NOT NULL,
	PRIMARY KEY (peer, origin, what, lo)
);

CREATE TABLE peer (
	code         TEXT     COLLATE "C" NOT NULL,
	origin       TEXT     COLLATE "C" NOT NULL,
	cursors      BYTEA    NOT NULL,
	blob_cursor  BIGINT   NOT NULL,
	accepted     BIGINT   NOT NULL,
	their_size   BIGINT   NOT NULL,
	gossip       BYTEA    NOT NULL,
	last_try     BIGINT   NOT NULL,
	last_success BIGINT   NOT NULL,
	attempts     BIGINT   NOT NULL,
	next_try     BIGINT   NOT NULL,
	last_error   TEXT     COLLATE "C" NOT NULL,
	last_code    TEXT     COLLATE "C" NOT NULL,
	last_heard   BIGINT   NOT NULL,
	PRIMARY KEY (code, origin)
);

CREATE TABLE lease (
	name   TEXT     COLLATE "C" NOT NULL PRIMARY KEY,
	holder TEXT     COLLATE "C" NOT NULL,
	ends   BIGINT   NOT NULL
);

-- Whose turn it is to write: the lock on this row is the turn. previous is who had the one before.
CREATE TABLE turn (
	name     TEXT     COLLATE "C" NOT NULL PRIMARY KEY,
	holder   TEXT     COLLATE "C" NOT NULL,
	previous TEXT     COLLATE "C" NOT NULL,
	fence    BIGINT   NOT NULL,
	taken    TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 10);
INSERT INTO turn (name, holder, previous, fence, taken) VALUES ('write', '', '', 0, now());

CREATE TABLE meta (
	name  TEXT     COLLATE "C" NOT NULL PRIMARY KEY,
	value TEXT     COLLATE "C" NOT NULL
);
INSERT INTO meta (name, value) VALUES ('incarnation', replace(gen_random_uuid()::text, '-', ''));

CREATE TABLE wanted (
	from_code TEXT     COLLATE "C" NOT NULL,
	id        BYTEA    NOT NULL,
	PRIMARY KEY (from_code, id)
);
CREATE INDEX wanted_id ON wanted (id);

CREATE TABLE requested (
	peer TEXT     COLLATE "C" NOT NULL,
	id   BYTEA    NOT NULL,
	PRIMARY KEY (peer, id)
);
