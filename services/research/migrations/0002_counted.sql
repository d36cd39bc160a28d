-- Statistics tables: what each domain's people were counted by. Those that tell sensitive values without a budget are
-- releases as well, and stand in `released` under the same id.
CREATE TABLE counted (
    id            BYTEA  NOT NULL PRIMARY KEY,
    data_domain   TEXT   NOT NULL,
    at            BIGINT NOT NULL,
    columns       TEXT   NOT NULL,      -- JSON
    milli_epsilon BIGINT                -- what it spent; nothing with cell keys
);
