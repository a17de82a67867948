REPLACE INTO rows (number, key, value) VALUES (?1, ?2, ?3)
