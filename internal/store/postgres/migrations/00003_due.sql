-- +goose Up
-- When the body and blobs of the statement at that place are to be erased. Rows go when it is done.
CREATE TABLE due (
	place BIGINT PRIMARY KEY,
	at    BIGINT NOT NULL
);
CREATE INDEX due_at ON due (at, place);

INSERT INTO due (place, at)
SELECT place, (EXTRACT(EPOCH FROM (until::timestamptz)) * 1000)::bigint
FROM (
	SELECT place, convert_from(head, 'UTF8')::json #>> '{marking,retain_until}' AS until FROM statement
	WHERE kind NOT LIKE 'instrument.%' AND kind NOT LIKE 'credence.%' AND convert_from(head, 'UTF8')::json #>> '{body,size}' IS NOT NULL
) heads
WHERE until IS NOT NULL;
