-- Runs of positions that hold every event of the tag, and between them a few
-- others: the events themselves decide.
CREATE TABLE by_tag (
    tag TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (tag, first)
) WITHOUT ROWID;
