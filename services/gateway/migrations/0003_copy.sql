-- The copy of what others may ask for (中間サーバーの副本), taken from the institution's own system; replaced as a whole.
CREATE TABLE held_copy (
    customer_index BYTEA  NOT NULL PRIMARY KEY,
    held           BYTEA  NOT NULL,  -- sealed JSON: attributes, shield, items
    at             BIGINT NOT NULL   -- when this copy was taken
);
-- When the answer's copy was taken, where the provider answered from one.
ALTER TABLE asked ADD COLUMN as_of BIGINT;
