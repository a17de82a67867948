-- The newest event of each stream. Apart from the names, so that hundreds of
-- heads share the page that an append changes.
CREATE TABLE heads (
    stream INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL
);
