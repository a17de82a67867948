SELECT s.stream, coalesce(h.version, 0), coalesce(h.position, 0)
FROM streams AS s
LEFT JOIN heads AS h ON h.stream = s.stream
WHERE s.category = ?1 AND s.key = ?2
