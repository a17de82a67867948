-- Who may do what only one may do, until when (microseconds since 1970), and how
-- often it was given. Rows stay when a lease ends, since the token must grow.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    token INTEGER NOT NULL,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;
