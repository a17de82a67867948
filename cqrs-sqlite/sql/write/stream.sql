INSERT INTO streams (category, key) VALUES (?1, ?2)
