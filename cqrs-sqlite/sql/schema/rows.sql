CREATE TABLE rows (
    number INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (number, key)
) WITHOUT ROWID;
