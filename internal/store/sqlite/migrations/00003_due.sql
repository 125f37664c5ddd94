-- +goose Up
-- When the body and blobs of the statement at that place are to be erased. Rows go when it is done.
CREATE TABLE due (
	place INTEGER PRIMARY KEY,
	at    INTEGER NOT NULL
) STRICT;
CREATE INDEX due_at ON due (at, place);

-- A time in a head has one form: 2026-11-22T08:00:00.000Z.
INSERT INTO due (place, at)
SELECT place, CAST(strftime('%s', substr(until, 1, 19)) AS INTEGER) * 1000 + CAST(substr(until, 21, 3) AS INTEGER)
FROM (
	SELECT place, json_extract(CAST(head AS TEXT), '$.marking.retain_until') AS until FROM statement
	WHERE kind NOT LIKE 'instrument.%' AND kind NOT LIKE 'credence.%' AND json_extract(CAST(head AS TEXT), '$.body.size') IS NOT NULL
)
WHERE until IS NOT NULL;
