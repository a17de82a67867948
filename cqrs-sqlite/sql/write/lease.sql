REPLACE INTO leases (name, token, holder, until) VALUES (?1, ?2, ?3, ?4)
