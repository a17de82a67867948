-- The log. `previous` is the position of the stream's newest event before the
-- unit that wrote this one, 0 for none. `correlation` is NULL when it equals
-- the event's id. `operation` stands on the first event of a unit: 16 bytes
-- of the operation's id, 16 of the request's fingerprint, 4 of the number of
-- events (both little-endian), then the recorded reply.
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    category INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    correlation BLOB,
    causation BLOB,
    operation BLOB,
    tags TEXT NOT NULL,
    details BLOB NOT NULL,
    payload BLOB NOT NULL
);
