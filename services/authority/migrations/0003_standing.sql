-- What is read of every certificate at the start, without its sealed bytes.
CREATE INDEX certificate_standing ON certificate (serial, purpose, state, reason, since);
