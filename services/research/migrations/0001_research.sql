-- Data domains: what holds for all their releases, and their people and table, sealed.
CREATE TABLE data_domain (
    id      TEXT   NOT NULL PRIMARY KEY,
    about   TEXT   NOT NULL,            -- what its keeper said, JSON
    content BYTEA,                      -- people, values, table; sealed
    spent   BIGINT NOT NULL             -- thousandths of ε
);
-- Sets, from being asked for to their end.
CREATE TABLE asked_set (
    id         BYTEA  NOT NULL PRIMARY KEY,
    data_domain TEXT  NOT NULL,
    ask        TEXT   NOT NULL,         -- JSON
    researcher TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    made       TEXT,                    -- JSON: what was made
    refused    TEXT,                    -- JSON: the least change that would pass
    content    BYTEA,                   -- the CSV, sealed; gone with the set
    numbers    BYTEA,                   -- number to person, locked for two officers, sealed again
    reminded   BIGINT NOT NULL,         -- how far its recipients were reminded
    ended_at   BIGINT
);
-- What officers said of sets.
CREATE TABLE judgement (
    set_id   BYTEA  NOT NULL,
    officer  TEXT   NOT NULL,
    approves BIGINT NOT NULL,
    reason   TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    opener   TEXT   NOT NULL,           -- public key to which the officer's share is sealed, JSON
    PRIMARY KEY (set_id, officer)
);
-- The ledger of releases: who was in which class.
CREATE TABLE released (
    data_domain TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    set_id      BYTEA  NOT NULL,
    at          BIGINT NOT NULL,
    people      BIGINT NOT NULL,
    classes     BYTEA  NOT NULL,        -- class and value of each person of the domain, sealed
    PRIMARY KEY (data_domain, number)
);
-- Findings that are to reach their person.
CREATE TABLE finding (
    id         BYTEA  NOT NULL PRIMARY KEY,
    set_id     BYTEA  NOT NULL,
    researcher TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    content    BYTEA  NOT NULL,         -- number and finding, sealed
    reach      BYTEA                    -- the person's key, sealed, once two officers assented
);
CREATE TABLE assent (
    finding BYTEA  NOT NULL,
    officer TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    share   BYTEA,                      -- the officer's opened share, sealed, until there are two
    PRIMARY KEY (finding, officer)
);
