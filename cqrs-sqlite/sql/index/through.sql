UPDATE indexed SET through = ?1
