-- +goose Up
-- All that is sealed of contents lies in one table, to whose end rows are added and of which none is ever deleted or moved: an erased one is emptied where it is.
-- Where rows are inserted in between or deleted, pages are split and joined, and copies of what stays may be left in their unused parts: see keys.go. prior is the piece
-- before it of the same content, 0 for the first.
CREATE TABLE content_piece (
	id     INTEGER PRIMARY KEY,
	prior  INTEGER NOT NULL,
	key_id INTEGER NOT NULL,
	sealed BLOB    NOT NULL
) STRICT;

-- last is the last piece of the content, 0 when there is none.
ALTER TABLE content ADD COLUMN last INTEGER NOT NULL DEFAULT 0;

INSERT INTO content_piece (id, prior, key_id, sealed)
SELECT row_number() OVER (ORDER BY id), 0, key_id, sealed FROM content WHERE sealed IS NOT NULL;
UPDATE content SET last = moved.piece
FROM (SELECT id AS content, row_number() OVER (ORDER BY id) AS piece FROM content WHERE sealed IS NOT NULL) AS moved
WHERE content.id = moved.content;

INSERT INTO content_piece (id, prior, key_id, sealed)
SELECT first + n, CASE WHEN id & 16777215 = 0 THEN 0 ELSE first + n - 1 END, id >> 24, sealed
FROM (SELECT id, sealed, row_number() OVER (ORDER BY id) AS n, (SELECT COUNT(*) FROM content WHERE sealed IS NOT NULL) AS first FROM content_chunk);
UPDATE content SET last = moved.piece
FROM (SELECT key_id AS of, MAX(id) AS piece FROM content_piece GROUP BY key_id) AS moved
WHERE content.chunks > 0 AND content.key_id = moved.of;

ALTER TABLE content DROP COLUMN sealed;
ALTER TABLE content DROP COLUMN chunks;
DROP TABLE content_chunk;
