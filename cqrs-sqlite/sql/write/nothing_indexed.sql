INSERT INTO indexed (through) VALUES (0)
