SELECT position, operation FROM events WHERE position > ?1 AND operation IS NOT NULL ORDER BY position LIMIT ?2
