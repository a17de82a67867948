-- What an event's row says in one small number: type, shape and encoding.
CREATE TABLE kinds (
    kind INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    encoding TEXT NOT NULL,
    UNIQUE (type, schema_version, encoding)
);
