INSERT INTO kinds (type, schema_version, encoding) VALUES (?1, ?2, ?3)
ON CONFLICT DO UPDATE SET type = excluded.type
RETURNING kind
