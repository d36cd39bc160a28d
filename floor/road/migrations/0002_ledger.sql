-- Checkpoints of this room's ledger that witnesses have cosigned: the latest of each hour.
CREATE TABLE checkpoint (
    hour BIGINT NOT NULL PRIMARY KEY, -- hours since 1970
    size BIGINT NOT NULL,
    note TEXT   NOT NULL              -- C2SP signed note
);
-- What this room has cosigned last, as a witness of others' ledgers.
CREATE TABLE witnessed (
    origin TEXT   NOT NULL PRIMARY KEY,
    size   BIGINT NOT NULL,
    root   BYTEA  NOT NULL,
    note   TEXT   NOT NULL,           -- as the ledger signed it
    at     BIGINT NOT NULL
);
