-- Alarms may be about a room's ledger instead of an act, and say at whom and what.
ALTER TABLE alarm RENAME TO alarm_before;
CREATE TABLE alarm (
    number    BIGINT NOT NULL PRIMARY KEY,
    act       BYTEA,
    kind      TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    raised_by TEXT   NOT NULL,
    party     TEXT,
    detail    TEXT   NOT NULL,
    inquirer  TEXT,
    provider  TEXT
);
INSERT INTO alarm (number, act, kind, at, raised_by, party, detail, inquirer, provider)
    SELECT number, act, kind, at, raised_by, NULL, '', inquirer, provider FROM alarm_before;
DROP TABLE alarm_before;
-- How far the watch over all rooms' records has come.
CREATE TABLE audited (
    party TEXT   NOT NULL PRIMARY KEY,
    seq   BIGINT NOT NULL
);
