DELETE FROM rows WHERE number = ?1
