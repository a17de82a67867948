SELECT s.stream, h.version, h.position, (SELECT through FROM indexed)
FROM categories AS c
CROSS JOIN streams AS s
CROSS JOIN heads AS h
WHERE c.name = ?2 AND c.tenant = ?1
    AND s.category = c.category AND s.key = ?3
    AND h.stream = s.stream
