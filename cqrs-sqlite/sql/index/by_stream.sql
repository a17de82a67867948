INSERT INTO by_stream (stream, version, first, last) VALUES (?1, ?2, ?3, ?4)
