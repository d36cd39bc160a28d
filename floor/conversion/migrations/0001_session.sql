-- Sessions this transcryptor has taken its turn in. Public keys only: no share is ever kept.
CREATE TABLE session (
    name      TEXT   NOT NULL PRIMARY KEY,
    party     TEXT   NOT NULL,
    public    BYTEA  NOT NULL,
    opened_at BIGINT NOT NULL,
    ends_at   BIGINT NOT NULL,
    own       TEXT   NOT NULL, -- this transcryptor's signed statement
    other     TEXT   NOT NULL  -- the other transcryptor's
);
CREATE INDEX session_party ON session (party, opened_at);
