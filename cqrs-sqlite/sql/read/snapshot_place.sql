SELECT version, shape_version, shape_fingerprint FROM snapshots WHERE stream = ?1
