REPLACE INTO snapshots (
    stream, version, shape_version, shape_fingerprint, encoding, taken_at, data
) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
