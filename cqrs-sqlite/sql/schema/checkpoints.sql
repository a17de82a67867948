CREATE TABLE checkpoints (
    name TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    log BLOB,
    position INTEGER
) WITHOUT ROWID;
