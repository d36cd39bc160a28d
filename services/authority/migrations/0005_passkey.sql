-- The register's handle of each holder, sealed: how the register is told who signs in.
CREATE TABLE holder (
    holder BYTEA NOT NULL PRIMARY KEY,
    handle BYTEA NOT NULL -- sealed
);

-- Passkeys, each enrolled with an authentication certificate and no longer valid than it.
CREATE TABLE passkey (
    credential BYTEA  NOT NULL PRIMARY KEY,
    holder     BYTEA  NOT NULL,
    serial     BYTEA  NOT NULL, -- the authentication certificate
    public     BYTEA  NOT NULL,
    counter    BIGINT NOT NULL,
    enrolled   BIGINT NOT NULL,
    used       BIGINT
);
CREATE INDEX passkey_holder ON passkey (holder, enrolled);
