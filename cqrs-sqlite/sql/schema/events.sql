-- The log. `header` holds what has a fixed size: stream, version, kind, ids and
-- times, in the layout that src/header.rs describes. `operation` stands on the
-- first event of a unit: 16 bytes of the operation's id, 16 of the request's
-- fingerprint, 4 of the number of events (both little-endian), then the
-- recorded reply. `tags` is NULL when there are none. `content` holds the details
-- of the metadata, whose length stands in the header, and behind them the payload:
-- SQLite takes longer to hand over a column than this takes to part the two.
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    header BLOB NOT NULL,
    operation BLOB,
    tags TEXT,
    content BLOB NOT NULL
);
