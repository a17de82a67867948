INSERT INTO events (position, header, operation, tags, content)
VALUES (?1, ?2, ?3, ?4, ?5)
