SELECT e.position, e.header, e.tags, e.content
FROM events AS e
WHERE e.position BETWEEN ?1 AND ?2
ORDER BY e.position DESC
