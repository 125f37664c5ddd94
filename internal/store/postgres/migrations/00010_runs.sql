-- +goose Up
-- What lines are found by, as keyed hashes whose key is not here: sorted runs that are written once, and merged into longer ones later. A run of level n holds terms whose first 3n bits are prefix.
-- Its blocks are those with the ids from first on. fences says with which posting each begins.
DROP TABLE posting;
CREATE TABLE posting_run (
	id     BIGINT PRIMARY KEY,
	level  BIGINT NOT NULL,
	prefix BIGINT NOT NULL,
	first  BIGINT NOT NULL,
	size   BIGINT NOT NULL,
	fences BYTEA NOT NULL
);
CREATE TABLE posting_block (
	id    BIGINT PRIMARY KEY,
	block BYTEA NOT NULL
);
-- epoch is another one, drawn by lot, whenever a run comes or goes: who knows the runs of one need not read them again.
CREATE TABLE posting_epoch (
	one   BIGINT PRIMARY KEY,
	epoch BIGINT NOT NULL
);

-- Parcels keep their numbers, and what they are found by is made anew.
DELETE FROM parcel_terms;
UPDATE parcel SET worded = 0 WHERE objects > 0;
UPDATE content SET worded = 0 WHERE id IN (SELECT content FROM parcel WHERE objects > 0);
