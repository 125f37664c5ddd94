-- +goose Up
-- Which parcels have lines that are hidden or older because of another: they are looked at again when that one goes.
CREATE TABLE parcel_cover (
	by_no BIGINT NOT NULL,
	no    BIGINT NOT NULL,
	PRIMARY KEY (by_no, no)
);
CREATE INDEX parcel_covered ON parcel_cover (no);

-- Of those that are here it is found out anew.
UPDATE content SET worded = 0 WHERE whole = 1 AND id IN (SELECT content FROM parcel WHERE length(hidden) > 0 OR length(older) > 0);
