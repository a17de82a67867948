SELECT n.version, n.shape_version, n.shape_fingerprint, n.encoding, n.taken_at, n.data
FROM categories AS c
CROSS JOIN streams AS s
CROSS JOIN snapshots AS n
WHERE c.name = ?2 AND c.tenant = ?1
    AND s.category = c.category AND s.key = ?3
    AND n.stream = s.stream
