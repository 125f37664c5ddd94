-- +goose Up
-- Threads with what lists are found by, as in internal/store/sqlite.
ALTER TABLE thread ADD COLUMN no BIGINT;
UPDATE thread SET no = numbered.n FROM (SELECT id, row_number() OVER (ORDER BY opened, id) AS n FROM thread) AS numbered WHERE thread.id = numbered.id;
ALTER TABLE thread DROP CONSTRAINT thread_pkey;
ALTER TABLE thread ALTER COLUMN no SET NOT NULL;
ALTER TABLE thread ADD PRIMARY KEY (no);
CREATE UNIQUE INDEX thread_id ON thread (id);
ALTER TABLE thread ADD COLUMN listed SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE thread ADD COLUMN peers TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE thread ADD COLUMN agreement BYTEA NOT NULL DEFAULT '';
ALTER TABLE thread ADD COLUMN status TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE thread ADD COLUMN closed SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE thread ADD COLUMN track TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE thread ADD COLUMN precedence TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE thread ADD COLUMN tlp TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE thread ADD COLUMN exercise SMALLINT NOT NULL DEFAULT 0;
DROP INDEX thread_list;
CREATE INDEX thread_list ON thread (desk, updated, no);
CREATE INDEX thread_peers ON thread (peers, updated, no);
CREATE INDEX thread_agreement ON thread (agreement, updated, no) WHERE length(agreement) > 0;
CREATE INDEX thread_status ON thread (closed, status, updated, no);
CREATE INDEX thread_unread ON thread (updated, no) WHERE unread > 0;
CREATE INDEX thread_unlisted ON thread (no) WHERE listed = 0;

-- The peers of threads that have several. updated is the thread's.
CREATE TABLE thread_peer (
	thread  BIGINT   NOT NULL,
	peer    TEXT     COLLATE "C" NOT NULL,
	updated BIGINT   NOT NULL,
	PRIMARY KEY (thread, peer)
);
CREATE INDEX thread_peer_list ON thread_peer (peer, updated, thread);

-- What is owed in threads, by this party (mine) or others. A clock runs from when the statement at place arrived at who owes; due is 2^53 while that is not known.
CREATE TABLE clock (
	thread  BIGINT   NOT NULL,
	n       BIGINT   NOT NULL,
	owes    TEXT     COLLATE "C" NOT NULL,
	mine    SMALLINT NOT NULL,
	place   BIGINT   NOT NULL,
	seconds BIGINT   NOT NULL,
	due     BIGINT   NOT NULL,
	PRIMARY KEY (thread, n)
);
CREATE INDEX clock_due ON clock (mine, due, thread, n);
CREATE INDEX clock_begins ON clock (owes, place) WHERE place > 0;

-- Words of what was said, as keyed hashes whose key is not here. Rows go when the body of the statement at place does.
CREATE TABLE word (
	word   BIGINT   NOT NULL,
	thread BIGINT   NOT NULL,
	place  BIGINT   NOT NULL,
	PRIMARY KEY (word, thread, place)
);
CREATE INDEX word_place ON word (place);
-- Bodies whose words are not yet here.
ALTER TABLE content ADD COLUMN worded SMALLINT NOT NULL DEFAULT 0;
CREATE INDEX content_unworded ON content (id) WHERE worded = 0 AND whole = 1 AND (id & 511) = 0;

-- What programs were answered, so that asking again does nothing again: key and request are digests, sealed opens with a key that is not here.
CREATE TABLE answer (
	key     BYTEA    NOT NULL PRIMARY KEY,
	request BYTEA    NOT NULL,
	process TEXT     COLLATE "C" NOT NULL,
	made    BIGINT   NOT NULL,
	status  BIGINT   NOT NULL,
	sealed  BYTEA    NOT NULL
);
CREATE INDEX answer_made ON answer (made);
