SELECT coalesce((SELECT max(position) FROM events), 0), (SELECT through FROM indexed)
