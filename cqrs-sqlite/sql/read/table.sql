SELECT number FROM tables WHERE name = ?1
