-- The parties of the country: what the signed directory is made of.
CREATE TABLE party (
    id      TEXT   NOT NULL PRIMARY KEY,
    entry   TEXT   NOT NULL, -- the directory entry, JSON
    changed BIGINT NOT NULL  -- the directory's version that brought it
);
