SELECT type, schema_version, encoding FROM kinds WHERE kind = ?1
