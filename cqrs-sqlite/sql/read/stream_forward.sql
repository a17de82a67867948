SELECT e.position, e.header, e.tags, e.content
FROM by_stream AS s
CROSS JOIN events AS e
WHERE s.stream = ?1
    AND s.version >= coalesce(
        (SELECT max(version) FROM by_stream WHERE stream = ?1 AND version <= ?2 + 1), 0)
    AND s.version < ?3
    AND e.position BETWEEN
        s.first + max(0, ?2 + 1 - s.version) AND min(s.last, s.first + ?3 - 1 - s.version)
ORDER BY s.version ASC, e.position ASC
