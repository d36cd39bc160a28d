-- Acts that the person they are about asked the third-party body about. Which person, only the index knows.
CREATE TABLE complaint (
    act BYTEA  NOT NULL PRIMARY KEY,
    at  BIGINT NOT NULL
);
