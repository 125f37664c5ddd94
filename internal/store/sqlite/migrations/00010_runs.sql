-- +goose Up
-- What lines are found by, as keyed hashes whose key is not here: sorted runs that are written once, and merged into longer ones later. A run of level n holds terms whose first 3n bits are prefix.
-- Its blocks are those with the ids from first on. fences says with which posting each begins.
DROP TABLE posting;
CREATE TABLE posting_run (
	id     INTEGER PRIMARY KEY,
	level  INTEGER NOT NULL,
	prefix INTEGER NOT NULL,
	first  INTEGER NOT NULL,
	size   INTEGER NOT NULL,
	fences BLOB    NOT NULL
) STRICT;
CREATE TABLE posting_block (
	id    INTEGER PRIMARY KEY,
	block BLOB NOT NULL
) STRICT;
-- epoch is another one, drawn by lot, whenever a run comes or goes: who knows the runs of one need not read them again.
CREATE TABLE posting_epoch (
	one   INTEGER PRIMARY KEY,
	epoch INTEGER NOT NULL
) STRICT;

-- Parcels keep their numbers, and what they are found by is made anew.
DELETE FROM parcel_terms;
UPDATE parcel SET worded = 0 WHERE objects > 0;
UPDATE content SET worded = 0 WHERE id IN (SELECT content FROM parcel WHERE objects > 0);
