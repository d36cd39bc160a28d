-- What own clerks asked, and what came of it. Customers, wishes and contents are sealed; erased with the records of provision.
CREATE TABLE asked (
    act      BYTEA  NOT NULL PRIMARY KEY,
    wanted   BYTEA  NOT NULL,  -- sealed JSON: customer, affair, item, provider
    staff    TEXT   NOT NULL,
    state    TEXT   NOT NULL,  -- queued, asking, answered, waiting, refused, failed
    reason   TEXT,             -- where it was refused or failed
    content  BYTEA,            -- sealed, where it was answered
    until    BIGINT,           -- where the provider's clerk has it: when an answer is due
    look_at  BIGINT,           -- when to look again
    at       BIGINT NOT NULL,
    ended_at BIGINT,
    batch    BYTEA,            -- of many asked at once
    line     BIGINT            -- row of the batch, from 0
);
CREATE INDEX asked_at ON asked (at);
CREATE INDEX asked_state ON asked (state, look_at);
CREATE INDEX asked_batch ON asked (batch, line);

-- Many asked at once.
CREATE TABLE ask_batch (
    id      BYTEA  NOT NULL PRIMARY KEY,
    staff   TEXT   NOT NULL,
    lines   BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    stopped BIGINT NOT NULL    -- 1: a clerk stopped it; what is queued stays queued
);

-- Inquiries of others that an own clerk must decide on.
CREATE TABLE awaiting (
    act        BYTEA  NOT NULL PRIMARY KEY,
    inquirer   TEXT   NOT NULL,
    affair     TEXT   NOT NULL,
    item       TEXT   NOT NULL,
    customer   BYTEA,          -- sealed; NULL where nobody here is meant
    state      TEXT   NOT NULL, -- waiting, approved, declined
    at         BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT
);
CREATE INDEX awaiting_state ON awaiting (state, until);

-- Records shielded at this door, beside what the institution's own system says.
CREATE TABLE shield (
    customer_index BYTEA  NOT NULL PRIMARY KEY,
    staff          TEXT   NOT NULL,
    at             BIGINT NOT NULL
);
