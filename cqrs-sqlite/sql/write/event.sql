INSERT INTO events (position, header, operation, tags, details, payload)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
