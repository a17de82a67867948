-- One row: which log this is, and the format of this file.
CREATE TABLE log (
    format INTEGER NOT NULL,
    incarnation BLOB NOT NULL
);
