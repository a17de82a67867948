SELECT category, key FROM streams WHERE stream = ?1
