INSERT INTO by_kind (kind, first, last) VALUES (?1, ?2, ?3)
