-- Under which retention key a record, or a kept reply, is sealed: `class/YYYY-MM`; empty where the room has no such keys.
ALTER TABLE leaf ADD COLUMN shelf TEXT NOT NULL DEFAULT '';
ALTER TABLE act ADD COLUMN shelf TEXT NOT NULL DEFAULT '';
-- Every version of a signed document this room has decided on, so that a past act can be decided again.
CREATE TABLE document_version (
    name       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    body       BYTEA  NOT NULL,
    fetched_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);
