-- One row: the position up to which the tables by_* and operations are
-- derived from the events.
CREATE TABLE indexed (
    through INTEGER NOT NULL
);
