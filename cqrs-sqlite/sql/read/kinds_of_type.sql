SELECT kind FROM kinds WHERE type = ?1
