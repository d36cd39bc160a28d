-- A case is one customer whom the matcher gave to a clerk. Everything here is only ever added to.
CREATE TABLE review_case (
    no          BIGINT NOT NULL PRIMARY KEY,
    query_id    TEXT   NOT NULL UNIQUE,
    institution TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    kana        TEXT   NOT NULL,
    sex         TEXT   NOT NULL,
    birth       TEXT   NOT NULL,
    address     TEXT   NOT NULL
);

-- Possible residents, likeliest first, as the matcher wrote them.
CREATE TABLE candidate (
    case_no   BIGINT NOT NULL,
    place     BIGINT NOT NULL,
    person_id TEXT   NOT NULL,
    score     TEXT   NOT NULL,
    why       TEXT   NOT NULL,
    PRIMARY KEY (case_no, place)
);
CREATE UNIQUE INDEX candidate_person ON candidate (case_no, person_id);

CREATE TABLE resident (
    person_id TEXT NOT NULL PRIMARY KEY,
    name      TEXT NOT NULL,
    kana      TEXT NOT NULL,
    sex       TEXT NOT NULL,
    birth     TEXT NOT NULL,
    address   TEXT NOT NULL,
    tsusho    TEXT NOT NULL  -- common name
);

-- Former names and addresses, as the register keeps them.
CREATE TABLE resident_past (
    person_id TEXT   NOT NULL,
    place     BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    value     TEXT   NOT NULL,
    kana      TEXT   NOT NULL,
    PRIMARY KEY (person_id, place)
);

-- Residents whom the matcher has linked to a customer by itself.
CREATE TABLE automatic_link (
    institution TEXT NOT NULL,
    person_id   TEXT NOT NULL,
    query_id    TEXT NOT NULL,
    PRIMARY KEY (institution, person_id)
);

-- What was done to a case, by whom, when and why; what a case is now follows from its records in order.
CREATE TABLE record (
    sequence    BIGINT NOT NULL PRIMARY KEY,
    case_no     BIGINT NOT NULL,
    version     BIGINT NOT NULL,  -- 1, 2, 3, … within the case
    act         TEXT   NOT NULL,
    person_id   TEXT,             -- of a link
    staff       TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    why         TEXT   NOT NULL,
    second_look BIGINT NOT NULL,  -- 1 when the decision needs one
    imported    BIGINT NOT NULL   -- 1 when it was made elsewhere
);
CREATE UNIQUE INDEX record_version ON record (case_no, version);
CREATE INDEX record_person ON record (person_id);

CREATE TRIGGER record_is_kept BEFORE DELETE ON record
    BEGIN SELECT RAISE(ABORT, 'records are only added'); END;
CREATE TRIGGER record_stays_as_it_is BEFORE UPDATE ON record
    BEGIN SELECT RAISE(ABORT, 'records are only added'); END;
