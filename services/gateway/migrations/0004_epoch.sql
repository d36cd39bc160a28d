-- Codes of the next epoch, while both hold; sealed and indexed as the present ones.
ALTER TABLE customer ADD COLUMN next_code_index BYTEA;
ALTER TABLE customer ADD COLUMN next_code BYTEA;
CREATE UNIQUE INDEX customer_next ON customer (next_code_index);
-- The epoch of the codes in `code`, and from when those in `next_code` take their place. One row.
CREATE TABLE held_epoch (
    one       BIGINT NOT NULL PRIMARY KEY,
    epoch     BIGINT NOT NULL,
    old_until BIGINT
);
INSERT INTO held_epoch (one, epoch, old_until) VALUES (1, 0, NULL);
