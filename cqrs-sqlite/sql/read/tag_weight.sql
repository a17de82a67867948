SELECT count(*) FROM (SELECT 1 FROM by_tag WHERE tag = ?1 AND first > ?2 LIMIT 256)
