-- Runs of positions whose events share the category.
CREATE TABLE by_category (
    category INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (category, first)
) WITHOUT ROWID;
