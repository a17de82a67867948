INSERT INTO by_tag (tag, first, last) VALUES (?1, ?2, ?3)
