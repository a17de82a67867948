SELECT epoch, log, position FROM checkpoints WHERE name = ?1
