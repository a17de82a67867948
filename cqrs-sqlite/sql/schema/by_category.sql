-- Runs of positions that hold every event of the category, and between them a few
-- others: the events themselves decide.
CREATE TABLE by_category (
    category INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (category, first)
) WITHOUT ROWID;
