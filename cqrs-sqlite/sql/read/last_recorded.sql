SELECT position, header FROM events ORDER BY position DESC LIMIT 1
