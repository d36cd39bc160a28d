-- What the third-party body says of each institution.
CREATE TABLE accreditation (
    party    TEXT   NOT NULL PRIMARY KEY,
    body     TEXT   NOT NULL, -- JSON
    changed  BIGINT NOT NULL  -- the version of the accreditations that brought it
);
CREATE TABLE alarm (
    number    BIGINT NOT NULL PRIMARY KEY,
    act       BYTEA  NOT NULL,
    kind      TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    raised_by TEXT   NOT NULL,
    inquirer  TEXT,
    provider  TEXT
);
CREATE TABLE case_file (
    number    BIGINT NOT NULL PRIMARY KEY,
    act       BYTEA  NOT NULL,
    kind      TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    opened_by TEXT   NOT NULL,
    state     TEXT   NOT NULL,
    due       BIGINT NOT NULL
);
