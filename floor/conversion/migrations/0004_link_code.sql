-- Schemes 3 to 5: who has which code. Empty under the others.
CREATE TABLE code_holder (
    holder BIGINT NOT NULL PRIMARY KEY,
    name   TEXT   NOT NULL UNIQUE -- 3: the institution's domain; 4: with-number, without-number; 5: everybody
);
CREATE TABLE code_person (
    person BIGINT NOT NULL PRIMARY KEY,
    handle BYTEA  NOT NULL UNIQUE -- 16 bytes of an HMAC of the core's key for the registry's point
);
CREATE TABLE link_code (
    holder BIGINT NOT NULL,
    code   BYTEA  NOT NULL, -- 16 random bytes
    person BIGINT NOT NULL,
    PRIMARY KEY (holder, code)
);
CREATE UNIQUE INDEX link_code_person ON link_code (person, holder);
