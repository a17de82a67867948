SELECT
    e.position, e.stream, e.version, e.category, e.kind, e.recorded_at, e.occurred_at,
    e.id, e.correlation, e.causation, e.tags, e.details, e.payload
FROM events AS e
WHERE e.position BETWEEN ?1 AND ?2
ORDER BY e.position DESC
