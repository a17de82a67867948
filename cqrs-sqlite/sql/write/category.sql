INSERT INTO categories (tenant, name) VALUES (?1, ?2)
