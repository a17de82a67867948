DELETE FROM rows WHERE number = ?1 AND key = ?2
