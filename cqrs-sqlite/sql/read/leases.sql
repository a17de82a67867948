SELECT name, token, holder, until FROM leases WHERE name >= ?1 ORDER BY name
