-- Runs of positions whose events share the tag.
CREATE TABLE by_tag (
    tag TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (tag, first)
) WITHOUT ROWID;
