-- One row: which log this is, and the format of this file.
CREATE TABLE log (
    format INTEGER NOT NULL,
    incarnation BLOB NOT NULL
);

-- What an event's row says in one small number: type, shape and encoding.
CREATE TABLE kinds (
    kind INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    encoding TEXT NOT NULL,
    UNIQUE (type, schema_version, encoding)
);

-- A category of one tenant.
CREATE TABLE categories (
    category INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (name, tenant)
);
CREATE INDEX categories_of_tenant ON categories (tenant);

CREATE TABLE streams (
    stream INTEGER PRIMARY KEY,
    category INTEGER NOT NULL,
    key TEXT NOT NULL,
    UNIQUE (category, key)
);

-- The newest event of each stream. Apart from the names, so that hundreds of
-- heads share the page that an append changes.
CREATE TABLE heads (
    stream INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL
);

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

-- One row: the position up to which the tables by_* and operations are
-- derived from the events.
CREATE TABLE indexed (
    through INTEGER NOT NULL
);

-- Runs of a stream's events that stand side by side in the log; `version` is
-- that of the event at `first`.
CREATE TABLE by_stream (
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (stream, version)
) WITHOUT ROWID;

-- Runs of positions that hold every event of the category, and between them a few
-- others: the events themselves decide.
CREATE TABLE by_category (
    category INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (category, first)
) WITHOUT ROWID;

-- Runs of positions that hold every event of the kind, and between them a few
-- others: the events themselves decide.
CREATE TABLE by_kind (
    kind INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (kind, first)
) WITHOUT ROWID;

-- Runs of positions that hold every event of the tag, and between them a few
-- others: the events themselves decide.
CREATE TABLE by_tag (
    tag TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (tag, first)
) WITHOUT ROWID;

-- Runs of positions that hold every event of the correlation, and between them a few
-- others: the events themselves decide.
CREATE TABLE by_correlation (
    correlation BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (correlation, first)
) WITHOUT ROWID;

-- Where the first event of each operation stands. An operation without events
-- has its record here: 16 bytes of fingerprint, 8 of the recorded time (both
-- little-endian), then the reply; `position` is then the head it saw.
CREATE TABLE operations (
    operation BLOB NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    record BLOB
) WITHOUT ROWID;

CREATE TABLE snapshots (
    stream INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    shape_version INTEGER NOT NULL,
    shape_fingerprint INTEGER NOT NULL,
    encoding TEXT NOT NULL,
    taken_at INTEGER NOT NULL,
    data BLOB NOT NULL
);

CREATE TABLE checkpoints (
    name TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    log BLOB,
    position INTEGER
) WITHOUT ROWID;

CREATE TABLE tables (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE rows (
    number INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (number, key)
) WITHOUT ROWID;
