-- One row for each entry of the resident register. The anchor is random and never changes (row N4).
CREATE TABLE resident (
    anchor       BYTEA  NOT NULL PRIMARY KEY,
    entry_index  BYTEA  NOT NULL UNIQUE, -- HMAC of the register's own key for the entry
    attributes   BYTEA  NOT NULL,        -- sealed: name, reading, address, birth date, sex
    number_index BYTEA  NOT NULL UNIQUE, -- HMAC of the current Individual Number
    number       BYTEA  NOT NULL,        -- sealed
    code_index   BYTEA  NOT NULL UNIQUE, -- HMAC of the current resident code
    code         BYTEA  NOT NULL,        -- sealed
    ended        BIGINT NOT NULL,        -- 1 after death, moving abroad, deletion
    at_portal    BIGINT NOT NULL         -- 1 once the portal's code was issued
);
CREATE INDEX resident_at_portal ON resident (at_portal);

-- Every change with its kind, day and the state before (row N1).
CREATE TABLE change (
    anchor   BYTEA  NOT NULL,
    sequence BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    day      TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    before   BYTEA,                      -- sealed; NULL for the entry that began it
    PRIMARY KEY (anchor, sequence)
);

-- Every number ever given; a number is never given twice (row N3), and a former one leads to the person.
CREATE TABLE number_given (
    number_index BYTEA NOT NULL PRIMARY KEY,
    anchor       BYTEA NOT NULL,
    from_day     TEXT  NOT NULL,
    to_day       TEXT                    -- NULL while it is current
);
CREATE INDEX number_given_anchor ON number_given (anchor);

-- Which institution was given a code for whom: needed to send changes; sealed, erased when the relation ends.
CREATE TABLE issued (
    party        TEXT  NOT NULL,
    person_index BYTEA NOT NULL,         -- HMAC of party and anchor
    batch        BYTEA NOT NULL,
    anchor       BYTEA NOT NULL,         -- sealed
    PRIMARY KEY (party, person_index)
);
