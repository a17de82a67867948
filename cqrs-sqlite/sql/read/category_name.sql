SELECT tenant, name FROM categories WHERE category = ?1
