INSERT INTO events (
    position, stream, version, previous, category, kind, recorded_at, occurred_at,
    id, correlation, causation, operation, tags, details, payload
) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
