-- What was converted in the last 24 hours, so that each conversion can be demanded and proved: the input, sealed. The output
-- follows from it, since the re-randomiser is derived; its hash stands in the records.
CREATE TABLE converted (
    act          BYTEA  NOT NULL,
    target       TEXT   NOT NULL, -- `to` or `index`
    batch        BIGINT NOT NULL, -- 1: `codes` are the rows of a batch, in order
    from_session TEXT   NOT NULL,
    to_session   TEXT   NOT NULL,
    codes        BYTEA  NOT NULL, -- 64 bytes a code, sealed under the room's storage key
    at           BIGINT NOT NULL,
    PRIMARY KEY (act, target)
);
CREATE INDEX converted_at ON converted (at);
