SELECT first, last
FROM by_category
WHERE category = ?1
    AND first >= coalesce((SELECT max(first) FROM by_category WHERE category = ?1 AND first <= ?2), 0)
    AND first < ?3
    AND last > ?2
ORDER BY first DESC
LIMIT 256
