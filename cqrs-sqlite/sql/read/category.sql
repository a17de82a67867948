SELECT category FROM categories WHERE tenant = ?1 AND name = ?2
