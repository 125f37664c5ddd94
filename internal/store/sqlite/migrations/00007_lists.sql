-- +goose Up
-- Threads with what lists are found by. no rises in the order in which threads came to be here. listed is 0 where the columns after it are not yet filled: the
-- node does that when it opens the store. peers are the parties that take part beside its own, a blank between them.
CREATE TABLE thread_new (
	no         INTEGER PRIMARY KEY,
	id         BLOB    NOT NULL UNIQUE,
	desk       TEXT    NOT NULL,
	opened     INTEGER NOT NULL,
	updated    INTEGER NOT NULL,
	waiting    INTEGER NOT NULL,
	unread     INTEGER NOT NULL,
	listed     INTEGER NOT NULL,
	peers      TEXT    NOT NULL,
	agreement  BLOB    NOT NULL,
	status     TEXT    NOT NULL,
	closed     INTEGER NOT NULL,
	track      TEXT    NOT NULL,
	precedence TEXT    NOT NULL,
	tlp        TEXT    NOT NULL,
	exercise   INTEGER NOT NULL,
	summary    BLOB    NOT NULL,
	state      BLOB    NOT NULL
) STRICT;
INSERT INTO thread_new (no, id, desk, opened, updated, waiting, unread, listed, peers, agreement, status, closed, track, precedence, tlp, exercise, summary, state)
SELECT row_number() OVER (ORDER BY opened, id), id, desk, opened, updated, waiting, unread, 0, '', x'', '', 0, '', '', '', 0, summary, state FROM thread;
DROP TABLE thread;
ALTER TABLE thread_new RENAME TO thread;
-- Each row changes with every statement of its thread, and so do these: a list of all threads is put together from those of the desks, which are few, one of all that
-- are open from those of their states.
CREATE INDEX thread_list ON thread (desk, updated, no);
CREATE INDEX thread_peers ON thread (peers, updated, no);
CREATE INDEX thread_agreement ON thread (agreement, updated, no) WHERE length(agreement) > 0;
CREATE INDEX thread_status ON thread (closed, status, updated, no);
CREATE INDEX thread_unread ON thread (updated, no) WHERE unread > 0;
CREATE INDEX thread_unlisted ON thread (no) WHERE listed = 0;

-- The peers of threads that have several. updated is the thread's.
CREATE TABLE thread_peer (
	thread  INTEGER NOT NULL,
	peer    TEXT    NOT NULL,
	updated INTEGER NOT NULL,
	PRIMARY KEY (thread, peer)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_peer_list ON thread_peer (peer, updated, thread);

-- What is owed in threads, by this party (mine) or others. A clock runs from when the statement at place arrived at who owes; due is 2^53 while that is not known.
CREATE TABLE clock (
	thread  INTEGER NOT NULL,
	n       INTEGER NOT NULL,
	owes    TEXT    NOT NULL,
	mine    INTEGER NOT NULL,
	place   INTEGER NOT NULL,
	seconds INTEGER NOT NULL,
	due     INTEGER NOT NULL,
	PRIMARY KEY (thread, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX clock_due ON clock (mine, due, thread, n);
CREATE INDEX clock_begins ON clock (owes, place) WHERE place > 0;

-- Words of what was said, as keyed hashes whose key is not here. Rows go when the body of the statement at place does.
CREATE TABLE word (
	word   INTEGER NOT NULL,
	thread INTEGER NOT NULL,
	place  INTEGER NOT NULL,
	PRIMARY KEY (word, thread, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX word_place ON word (place);
-- Bodies whose words are not yet here.
ALTER TABLE content ADD COLUMN worded INTEGER NOT NULL DEFAULT 0;
CREATE INDEX content_unworded ON content (id) WHERE worded = 0 AND whole = 1 AND (id & 511) = 0;

-- What programs were answered, so that asking again does nothing again: key and request are digests, sealed opens with a key that is not here.
CREATE TABLE answer (
	key     BLOB    NOT NULL PRIMARY KEY,
	request BLOB    NOT NULL,
	process TEXT    NOT NULL,
	made    INTEGER NOT NULL,
	status  INTEGER NOT NULL,
	sealed  BLOB    NOT NULL
) STRICT;
CREATE INDEX answer_made ON answer (made);
