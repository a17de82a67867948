CREATE TABLE streams (
    stream INTEGER PRIMARY KEY,
    category INTEGER NOT NULL,
    key TEXT NOT NULL,
    UNIQUE (category, key)
);
