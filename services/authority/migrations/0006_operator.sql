-- Keys that were certified for operators of parties: each once.
CREATE TABLE operator_key (
    key_hash  BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of the public key
    party     TEXT   NOT NULL,
    operator  TEXT   NOT NULL,             -- what the party calls them
    not_after BIGINT NOT NULL
);
-- Operators who are revoked: named in the directory, given no other certificate.
CREATE TABLE revoked_operator (
    party    TEXT   NOT NULL,
    operator TEXT   NOT NULL,
    changed  BIGINT NOT NULL,              -- the directory's version that brought it
    PRIMARY KEY (party, operator)
);
