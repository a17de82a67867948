REPLACE INTO heads (stream, version, position) VALUES (?1, ?2, ?3)
