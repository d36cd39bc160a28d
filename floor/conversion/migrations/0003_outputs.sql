-- What came out, sealed like what went in: what is proved later is what was given then, not what the secrets would give now.
-- NULL: converted before this column was there.
ALTER TABLE converted ADD COLUMN outputs BYTEA;
