SELECT header FROM events WHERE position = ?1
