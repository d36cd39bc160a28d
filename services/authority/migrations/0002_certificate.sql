-- People's certificates. Both of a person have the same holder: the tie that nobody else has.
CREATE TABLE certificate (
    serial    BYTEA  NOT NULL PRIMARY KEY,
    holder    BYTEA  NOT NULL, -- HMAC of the register's handle
    purpose   TEXT   NOT NULL,
    place     TEXT   NOT NULL, -- the municipality's code
    der       BYTEA  NOT NULL, -- sealed: a signature certificate carries the four attributes
    not_after BIGINT NOT NULL,
    state     TEXT   NOT NULL, -- valid, suspended, ended
    reason    BIGINT NOT NULL, -- RFC 5280 5.3.1; 0 while valid
    since     BIGINT NOT NULL  -- when the state began
);
CREATE INDEX certificate_holder ON certificate (holder);
CREATE INDEX certificate_place ON certificate (purpose, place, state);

CREATE TABLE place (
    code         TEXT NOT NULL PRIMARY KEY,
    prefecture   TEXT NOT NULL,
    municipality TEXT NOT NULL
);

-- The list in force of each kind and municipality.
CREATE TABLE revocation_list (
    purpose     TEXT   NOT NULL,
    place       TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    next_update BIGINT NOT NULL,
    der         BYTEA  NOT NULL,
    PRIMARY KEY (purpose, place)
);

-- Who verified which certificate: shown to its holder; nobody else may ask about it later.
CREATE TABLE certificate_use (
    act     BYTEA  NOT NULL,
    serial  BYTEA  NOT NULL,
    holder  BYTEA  NOT NULL,
    purpose TEXT   NOT NULL,
    party   TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (act, serial)
);
CREATE INDEX certificate_use_holder ON certificate_use (holder, at);
CREATE INDEX certificate_use_party ON certificate_use (party, serial);

CREATE TABLE attribute_consent (
    holder BYTEA  NOT NULL,
    party  TEXT   NOT NULL,
    ends   BIGINT NOT NULL,
    PRIMARY KEY (holder, party)
);
