-- +goose Up
-- Which parcels are others than they were: change_no rises with each change of any of them.
ALTER TABLE parcel ADD COLUMN change_no INTEGER NOT NULL DEFAULT 0;
UPDATE parcel SET change_no = no;
CREATE INDEX parcel_change ON parcel (change_no);
