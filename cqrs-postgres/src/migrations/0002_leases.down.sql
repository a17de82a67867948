DROP FUNCTION @schema@.commit_fenced;
DROP FUNCTION @schema@.instant;
DROP TABLE @schema@.leases;
