REPLACE INTO checkpoints (name, epoch, log, position) VALUES (?1, ?2, ?3, ?4)
