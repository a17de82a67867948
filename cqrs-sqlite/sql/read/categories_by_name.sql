SELECT category FROM categories WHERE name = ?1
