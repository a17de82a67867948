CREATE TABLE snapshots (
    stream INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    shape_version INTEGER NOT NULL,
    shape_fingerprint INTEGER NOT NULL,
    encoding TEXT NOT NULL,
    taken_at INTEGER NOT NULL,
    data BLOB NOT NULL
);
