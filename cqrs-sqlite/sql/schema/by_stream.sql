-- Runs of a stream's events that stand side by side in the log; `version` is
-- that of the event at `first`.
CREATE TABLE by_stream (
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (stream, version)
) WITHOUT ROWID;
