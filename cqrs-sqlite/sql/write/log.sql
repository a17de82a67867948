INSERT INTO log (format, incarnation) VALUES (?1, ?2)
