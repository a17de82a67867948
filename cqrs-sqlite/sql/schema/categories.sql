-- A category of one tenant.
CREATE TABLE categories (
    category INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (name, tenant)
);
