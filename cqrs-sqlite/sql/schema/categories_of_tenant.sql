CREATE INDEX categories_of_tenant ON categories (tenant);
