-- The handle under which the authority knows a resident: how a person who signs in by the card is found.
ALTER TABLE certified ADD COLUMN handle BYTEA;
CREATE INDEX certified_handle ON certified (handle);
