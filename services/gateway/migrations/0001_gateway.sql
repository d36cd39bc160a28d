-- The institution's customers, as far as codes were asked for. Numbers and codes are sealed; indices are keyed.
CREATE TABLE customer (
    customer_index BYTEA  NOT NULL PRIMARY KEY, -- HMAC of the customer number
    number         BYTEA  NOT NULL,             -- sealed
    status         TEXT   NOT NULL,             -- linked, review, none
    code_index     BYTEA  UNIQUE,               -- HMAC of the link code
    code           BYTEA,                       -- sealed
    at             BIGINT NOT NULL
);
-- Batches of an issue that are under way: which customer row i is. Gone when the codes are there.
CREATE TABLE batch (
    id      BYTEA  NOT NULL PRIMARY KEY,
    numbers BYTEA  NOT NULL,                    -- sealed, JSON
    at      BIGINT NOT NULL
);
