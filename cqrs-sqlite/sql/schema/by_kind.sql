-- Runs of positions whose events share the kind.
CREATE TABLE by_kind (
    kind INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (kind, first)
) WITHOUT ROWID;
