-- Runs of positions whose events share the correlation.
CREATE TABLE by_correlation (
    correlation BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (correlation, first)
) WITHOUT ROWID;
