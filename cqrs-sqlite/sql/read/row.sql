SELECT r.value
FROM tables AS t
CROSS JOIN rows AS r
WHERE t.name = ?1 AND r.number = t.number AND r.key = ?2
