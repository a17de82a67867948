-- Runs of positions that hold every event of the correlation, and between them a few
-- others: the events themselves decide.
CREATE TABLE by_correlation (
    correlation BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (correlation, first)
) WITHOUT ROWID;
