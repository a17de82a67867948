SELECT version, previous FROM events WHERE position = ?1
