SELECT position, record FROM operations WHERE operation = ?1
