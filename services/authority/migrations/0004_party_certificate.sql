-- Short-lived certificates of parties. A key is certified once.
CREATE TABLE party_certificate (
    fingerprint BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of the certificate
    party       TEXT   NOT NULL,
    key_hash    BYTEA  NOT NULL UNIQUE,      -- SHA-256 of the public key
    issued      BIGINT NOT NULL,
    not_after   BIGINT NOT NULL,
    changed     BIGINT NOT NULL              -- the directory's version that brought it
);
CREATE INDEX party_certificate_party ON party_certificate (party, not_after);
