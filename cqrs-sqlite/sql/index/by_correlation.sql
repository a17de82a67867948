INSERT INTO by_correlation (correlation, first, last) VALUES (?1, ?2, ?3)
