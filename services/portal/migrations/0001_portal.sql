-- Every resident's code in the portal's own domain. Who it is, the portal does not know.
CREATE TABLE resident_code (
    code_index BYTEA NOT NULL PRIMARY KEY, -- HMAC of the code
    code       BYTEA NOT NULL              -- sealed under the room's storage key
);
-- The index: which acts are about whom, by HMAC alone.
CREATE TABLE entry (
    code_index BYTEA  NOT NULL,
    act        BYTEA  NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (code_index, act)
);
