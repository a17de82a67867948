INSERT INTO tables (name) VALUES (?1)
