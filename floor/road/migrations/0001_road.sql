-- Every act this room has seen, by verb; the id is durable with the decision.
CREATE TABLE act (
    id           BYTEA  NOT NULL,
    verb         TEXT   NOT NULL,
    caller       TEXT   NOT NULL,
    request_hash BYTEA  NOT NULL,
    label        TEXT   NOT NULL,
    weight       BIGINT NOT NULL,
    state        BIGINT NOT NULL, -- 0 decided, 1 done, 2 refused, 3 failed, 4 unknown
    reason       TEXT,
    truth        TEXT,
    detail       TEXT,
    reply        BYTEA,           -- sealed under the room's storage key
    decided_at   BIGINT NOT NULL,
    closed_at    BIGINT,
    PRIMARY KEY (verb, id)
);
CREATE INDEX act_open ON act (state, decided_at);
CREATE INDEX act_recent ON act (decided_at);

-- The records: salted canonical leaves, in the order of this room's ledger.
CREATE TABLE leaf (
    seq    BIGINT NOT NULL PRIMARY KEY,
    act    BYTEA,
    verb   TEXT   NOT NULL,
    step   TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    salt   BYTEA  NOT NULL,
    record BYTEA  NOT NULL,       -- canonical JSON, sealed under the room's storage key
    hash   BYTEA  NOT NULL        -- SHA-256 of tag, salt and canonical record
);
CREATE INDEX leaf_act ON leaf (act);

-- Messages that must arrive whatever happens to this process.
CREATE TABLE outbox (
    id          BYTEA  NOT NULL PRIMARY KEY,
    act         BYTEA  NOT NULL,
    destination TEXT   NOT NULL,
    path        TEXT   NOT NULL,
    body        BYTEA  NOT NULL,  -- sealed under the room's storage key
    not_before  BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    held        BIGINT NOT NULL   -- 1 while the act itself is expected to deliver it
);
CREATE INDEX outbox_due ON outbox (not_before);
CREATE INDEX outbox_act ON outbox (act);

-- Signed documents of others (directory, accreditations, whitelist): this room's own copies.
CREATE TABLE document (
    name       TEXT   NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    body       BYTEA  NOT NULL,
    fetched_at BIGINT NOT NULL
);
