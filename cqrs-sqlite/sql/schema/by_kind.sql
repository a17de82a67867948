-- Runs of positions that hold every event of the kind, and between them a few
-- others: the events themselves decide.
CREATE TABLE by_kind (
    kind INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (kind, first)
) WITHOUT ROWID;
