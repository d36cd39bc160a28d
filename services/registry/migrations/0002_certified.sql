-- Residents for whom certificates were ordered: of their changes the authority is told.
CREATE TABLE certified (
    anchor BYTEA NOT NULL PRIMARY KEY
);
