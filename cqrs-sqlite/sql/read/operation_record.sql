SELECT operation, header FROM events WHERE position = ?1
