-- Where the first event of each operation stands. An operation without events
-- has its record here: 16 bytes of fingerprint, 8 of the recorded time (both
-- little-endian), then the reply; `position` is then the head it saw.
CREATE TABLE operations (
    operation BLOB NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    record BLOB
) WITHOUT ROWID;
