SELECT token, holder, until FROM leases WHERE name = ?1
