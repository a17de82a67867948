SELECT category FROM categories WHERE tenant = ?1
