-- +goose Up
-- Blobs that hold objects, one a line. no rises in the order in which they came to be here, and is never used again. content is that of the blob. first is when line 0 was
-- added, in microseconds. hidden, older and shared are sets of lines, a bit for each. Where the blob was erased, objects is 0 and content −no.
CREATE TABLE parcel (
	no      INTEGER PRIMARY KEY,
	content INTEGER NOT NULL UNIQUE,
	thread  BLOB    NOT NULL,
	class   INTEGER NOT NULL,
	objects INTEGER NOT NULL,
	first   INTEGER NOT NULL,
	worded  INTEGER NOT NULL DEFAULT 0,
	hidden  BLOB    NOT NULL,
	older   BLOB    NOT NULL,
	shared  BLOB    NOT NULL
) STRICT;
CREATE INDEX parcel_thread ON parcel (thread, no);
CREATE INDEX parcel_first ON parcel (first, no);
CREATE INDEX parcel_wordless ON parcel (no) WHERE worded = 0;

-- What lines are found by, as keyed hashes whose key is not here. byte is where the line begins in its blob. version and sum are those of the object whose id the term is.
CREATE TABLE posting (
	term    INTEGER NOT NULL,
	parcel  INTEGER NOT NULL,
	line    INTEGER NOT NULL,
	byte    INTEGER NOT NULL,
	version INTEGER NOT NULL,
	sum     INTEGER NOT NULL,
	PRIMARY KEY (term, parcel, line)
) STRICT, WITHOUT ROWID;
-- The terms of a parcel, eight bytes each, so that its postings are found when it goes: an index of them would cost as much as they do.
CREATE TABLE parcel_terms (
	parcel INTEGER NOT NULL,
	n      INTEGER NOT NULL,
	terms  BLOB    NOT NULL,
	PRIMARY KEY (parcel, n)
) STRICT, WITHOUT ROWID;

-- Blobs that were not yet looked at: worded is 1 for those that were.
CREATE INDEX content_uncatalogued ON content (id) WHERE worded = 0 AND whole = 1 AND (id & 511) <> 0;
