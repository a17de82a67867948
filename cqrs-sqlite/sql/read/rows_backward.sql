SELECT key, value
FROM rows
WHERE number = ?1 AND key >= ?2 AND (?3 IS NULL OR key <= ?3)
ORDER BY key DESC
