INSERT OR IGNORE INTO operations (operation, position, record) VALUES (?1, ?2, ?3)
