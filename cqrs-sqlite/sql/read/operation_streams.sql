SELECT header FROM events WHERE position BETWEEN ?1 AND ?2 ORDER BY position
