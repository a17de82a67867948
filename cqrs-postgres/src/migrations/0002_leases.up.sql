-- Who may do what only one may do, until when, and how often it was given. Rows
-- stay when a lease ends, since the token must grow.
CREATE TABLE @schema@.leases (
    name text COLLATE "C" PRIMARY KEY,
    token bigint NOT NULL,
    holder text COLLATE "C" NOT NULL,
    until bigint NOT NULL
) WITH (fillfactor = 50);

-- The time that leases end by: microseconds since 1970, now and not at the
-- beginning of the transaction.
CREATE FUNCTION @schema@.instant() RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;

-- As commit_group, if leases are held with the tokens that the writer believes.
-- They are looked at under the log's lock and locked themselves, so that nobody
-- can take one over before what rests on it is visible. Of a lease that has
-- ended the token is negative, of one that nobody ever had 0.
CREATE FUNCTION @schema@.commit_fenced(
    log_id uuid, lock_key bigint, believed_head bigint, believed_streams uuid[],
    believed_versions bigint[], absent_operations uuid[], believed_checkpoints text[],
    believed_epochs bigint[], guards jsonb, e_streams integer[], e_versions bigint[],
    e_occurred bigint[], e_recorded bigint[], e_kinds integer[], e_categories integer[],
    e_ids uuid[], e_correlations uuid[], e_causations uuid[], e_operations uuid[],
    e_units bytea[], e_tags text[], e_details bytea[], e_payloads bytea[], s_ids uuid[],
    s_categories integer[], s_keys text[], t_tags uuid[], t_places bigint[], o_ids uuid[],
    o_recorded bigint[], o_units bytea[], p_streams uuid[], p_versions bigint[],
    p_shapes bigint[], p_fingerprints bigint[], p_encodings text[], p_taken bigint[],
    p_data bytea[], r_clear integer[], r_gone_tables integer[], r_gone_keys bytea[],
    r_tables integer[], r_keys bytea[], r_values bytea[], c_names text[], c_logs uuid[],
    c_positions bigint[], believed_leases text[], believed_tokens bigint[],
    OUT written boolean, OUT head bigint, OUT recorded bigint, OUT versions bigint[],
    OUT recorded_operations uuid[], OUT epochs bigint[], OUT guard_hits bigint[],
    OUT tokens bigint[])
LANGUAGE plpgsql AS $$
BEGIN
    IF lock_key IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(lock_key);
    END IF;
    PERFORM FROM @schema@.leases l WHERE l.name = ANY (believed_leases)
    ORDER BY l.name FOR SHARE;
    tokens := ARRAY(
        SELECT CASE WHEN l.until > @schema@.instant() THEN l.token ELSE -coalesce(l.token, 0) END
        FROM unnest(believed_leases) WITH ORDINALITY b(name, place)
        LEFT JOIN @schema@.leases l USING (name)
        ORDER BY b.place);
    IF tokens <> believed_tokens THEN
        SELECT e.position, e.recorded_at INTO head, recorded
        FROM @schema@.events e ORDER BY e.position DESC LIMIT 1;
        head := coalesce(head, 0);
        recorded := coalesce(recorded, -9223372036854775808);
        written := false;
        RETURN;
    END IF;
    SELECT g.written, g.head, g.recorded, g.versions, g.recorded_operations, g.epochs, g.guard_hits
    INTO written, head, recorded, versions, recorded_operations, epochs, guard_hits
    FROM @schema@.commit_group(
        log_id, lock_key, believed_head, believed_streams, believed_versions, absent_operations,
        believed_checkpoints, believed_epochs, guards, e_streams, e_versions, e_occurred,
        e_recorded, e_kinds, e_categories, e_ids, e_correlations, e_causations, e_operations,
        e_units, e_tags, e_details, e_payloads, s_ids, s_categories, s_keys, t_tags, t_places,
        o_ids, o_recorded, o_units, p_streams, p_versions, p_shapes, p_fingerprints, p_encodings,
        p_taken, p_data, r_clear, r_gone_tables, r_gone_keys, r_tables, r_keys, r_values,
        c_names, c_logs, c_positions) g;
END $$;
