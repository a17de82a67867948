INSERT INTO by_category (category, first, last) VALUES (?1, ?2, ?3)
