-- In which epoch a party's codes are. A party without a row is in epoch 0.
CREATE TABLE epoch (
    party          TEXT   NOT NULL PRIMARY KEY,
    current        BIGINT NOT NULL,
    upcoming       BIGINT,          -- the next one while a rotation is open
    previous_until BIGINT           -- until when sessions of the epoch before are still taken
);
-- The epoch whose domain a session's statements commit to.
ALTER TABLE session ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
