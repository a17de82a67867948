-- Names between @ signs are replaced by the schema of the log.

-- The one row that says which log this is, how it is written, and where it
-- lives: a log that finds itself elsewhere was restored, and gets another id.
CREATE TABLE @schema@.log (
    id uuid NOT NULL,
    mode text NOT NULL,
    origin text NOT NULL,
    one boolean PRIMARY KEY DEFAULT true CHECK (one)
);

-- Tenants' categories of streams, by a number that events refer to.
CREATE TABLE @schema@.categories (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    UNIQUE (category, tenant)
);

-- Types of events with their version and format, by a number.
CREATE TABLE @schema@.kinds (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    encoding text COLLATE "C" NOT NULL,
    UNIQUE (type, version, encoding)
);

-- The names of streams. The id is derived from the name (the first half of
-- SHA-256), so that a stream is found without looking its name up.
CREATE TABLE @schema@.streams (
    id uuid PRIMARY KEY,
    category integer NOT NULL,
    key text COLLATE "C" NOT NULL
);

-- The log. Rows are inserted and never changed. Times are microseconds since
-- 1970. The first event of a unit of work has its operation, and in `unit` the
-- number of its events (4 bytes), the request's fingerprint (16 bytes), and the
-- recorded reply.
CREATE TABLE @schema@.events (
    position bigint PRIMARY KEY,
    version bigint NOT NULL,
    occurred_at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    kind integer NOT NULL,
    category integer NOT NULL,
    stream uuid NOT NULL,
    id uuid NOT NULL,
    correlation uuid NOT NULL,
    causation uuid,
    operation uuid,
    unit bytea,
    tags text COLLATE "C",
    details bytea,
    payload bytea NOT NULL
);
ALTER TABLE @schema@.events ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX events_stream ON @schema@.events (stream, version);
CREATE INDEX events_kind ON @schema@.events (kind, position);
CREATE INDEX events_category ON @schema@.events (category, position);
CREATE INDEX events_correlation ON @schema@.events (correlation, position);
CREATE UNIQUE INDEX events_operation ON @schema@.events (operation) WHERE operation IS NOT NULL;

-- Which events carry a tag, by the first half of the tag's SHA-256.
CREATE TABLE @schema@.tags (
    tag uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tag, position)
);

-- Operations without events.
CREATE TABLE @schema@.operations (
    id uuid PRIMARY KEY,
    position bigint NOT NULL,
    recorded_at bigint NOT NULL,
    unit bytea NOT NULL
);

-- The latest stored state of streams.
CREATE TABLE @schema@.snapshots (
    stream uuid PRIMARY KEY,
    version bigint NOT NULL,
    shape_version bigint NOT NULL,
    shape_fingerprint bigint NOT NULL,
    encoding text COLLATE "C" NOT NULL,
    taken_at bigint NOT NULL,
    data bytea NOT NULL
);
ALTER TABLE @schema@.snapshots ALTER COLUMN data SET STORAGE EXTERNAL;

-- Where subscriptions stand, and who may move them.
CREATE TABLE @schema@.checkpoints (
    name text COLLATE "C" PRIMARY KEY,
    epoch bigint NOT NULL,
    log uuid,
    position bigint
) WITH (fillfactor = 50);

-- Read models.
CREATE TABLE @schema@.tables (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE @schema@.rows (
    "table" integer NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY ("table", key)
) WITH (fillfactor = 70);

-- Where the first event stands that matches a guard behind the position up to
-- which its writer has read. A guard is {"after": n, "items": [{"types": [..],
-- "tags": [..]}]}; an item without types means all, without items likewise.
CREATE FUNCTION @schema@.hits(guards jsonb) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
    found bigint[] := '{}';
    guard jsonb;
    item jsonb;
    read_to bigint;
    wanted integer[];
    marks uuid[];
    hit bigint;
    one bigint;
BEGIN
    FOR guard IN SELECT value FROM jsonb_array_elements(guards) LOOP
        read_to := (guard->>'after')::bigint;
        hit := NULL;
        FOR item IN SELECT value FROM jsonb_array_elements(guard->'items') LOOP
            wanted := NULL;
            IF jsonb_array_length(item->'types') > 0 THEN
                wanted := ARRAY(
                    SELECT number FROM @schema@.kinds
                    WHERE type IN (SELECT jsonb_array_elements_text(item->'types')));
            END IF;
            marks := ARRAY(SELECT jsonb_array_elements_text(item->'tags')::uuid);
            IF cardinality(marks) > 0 THEN
                SELECT t.position INTO one FROM @schema@.tags t
                WHERE t.tag = marks[1] AND t.position > read_to
                    AND NOT EXISTS (
                        SELECT FROM unnest(marks) m(mark)
                        WHERE NOT EXISTS (
                            SELECT FROM @schema@.tags o
                            WHERE o.tag = m.mark AND o.position = t.position))
                    AND (wanted IS NULL OR EXISTS (
                        SELECT FROM @schema@.events e
                        WHERE e.position = t.position AND e.kind = ANY (wanted)))
                ORDER BY t.position LIMIT 1;
            ELSIF wanted IS NOT NULL THEN
                SELECT min(first.position) INTO one FROM unnest(wanted) k(kind)
                CROSS JOIN LATERAL (
                    SELECT e.position FROM @schema@.events e
                    WHERE (e.kind, e.position) > (k.kind, read_to)
                        AND (e.kind, e.position) < (k.kind, 9223372036854775807)
                    ORDER BY e.kind, e.position LIMIT 1) first;
            ELSE
                SELECT e.position INTO one FROM @schema@.events e
                WHERE e.position > read_to ORDER BY e.position LIMIT 1;
            END IF;
            hit := least(hit, one);
        END LOOP;
        found := found || hit;
    END LOOP;
    RETURN found;
END $$;

-- The whole of the write path. Under the log's lock, which is held up to the
-- end of the transaction, it looks whether everything is as the writer believes;
-- only then it writes. It always answers what it found.
CREATE FUNCTION @schema@.commit_group(
    log_id uuid, lock_key bigint,
    -- What the writer believes: the newest position (NULL where any will do),
    -- the newest versions of streams (likewise), operations that are not
    -- recorded, epochs of checkpoints, guards without a hit.
    believed_head bigint,
    believed_streams uuid[], believed_versions bigint[],
    absent_operations uuid[],
    believed_checkpoints text[], believed_epochs bigint[],
    guards jsonb,
    -- Events; each names its stream by its place among the believed ones, and
    -- its version by the distance from that stream's.
    e_streams integer[], e_versions bigint[], e_occurred bigint[], e_recorded bigint[],
    e_kinds integer[], e_categories integer[], e_ids uuid[], e_correlations uuid[],
    e_causations uuid[], e_operations uuid[], e_units bytea[], e_tags text[],
    e_details bytea[], e_payloads bytea[],
    -- Names of new streams; the tags of events by their place in the group.
    s_ids uuid[], s_categories integer[], s_keys text[],
    t_tags uuid[], t_places bigint[],
    -- Operations without events.
    o_ids uuid[], o_recorded bigint[], o_units bytea[],
    -- Snapshots, tables to empty, rows to delete and to put, checkpoints.
    p_streams uuid[], p_versions bigint[], p_shapes bigint[], p_fingerprints bigint[],
    p_encodings text[], p_taken bigint[], p_data bytea[],
    r_clear integer[], r_gone_tables integer[], r_gone_keys bytea[],
    r_tables integer[], r_keys bytea[], r_values bytea[],
    c_names text[], c_logs uuid[], c_positions bigint[],
    -- What was found.
    OUT written boolean, OUT head bigint, OUT recorded bigint, OUT versions bigint[],
    OUT recorded_operations uuid[], OUT epochs bigint[], OUT guard_hits bigint[])
LANGUAGE plpgsql AS $$
BEGIN
    IF lock_key IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(lock_key);
    END IF;
    IF NOT EXISTS (SELECT FROM @schema@.log l WHERE l.id = log_id) THEN
        RAISE SQLSTATE 'CQ001' USING MESSAGE = 'another log is there than when it was opened';
    END IF;
    SELECT e.position, e.recorded_at INTO head, recorded
    FROM @schema@.events e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    recorded := coalesce(recorded, -9223372036854775808);
    written := believed_head IS NULL OR believed_head = head;

    IF believed_streams IS NOT NULL THEN
        SELECT array_agg(found.version ORDER BY found.place),
            written AND bool_and(found.believed IS NULL OR found.believed = found.version)
        INTO versions, written
        FROM (
            SELECT b.place, b.believed, coalesce((
                SELECT e.version FROM @schema@.events e WHERE e.stream = b.stream
                ORDER BY e.version DESC LIMIT 1), 0) AS version
            FROM unnest(believed_streams, believed_versions)
                WITH ORDINALITY b(stream, believed, place)) found;
    END IF;
    IF absent_operations IS NOT NULL THEN
        recorded_operations := ARRAY(
            SELECT e.operation FROM @schema@.events e WHERE e.operation = ANY (absent_operations)
            UNION ALL
            SELECT o.id FROM @schema@.operations o WHERE o.id = ANY (absent_operations));
        written := written AND cardinality(recorded_operations) = 0;
    END IF;
    IF believed_checkpoints IS NOT NULL THEN
        PERFORM FROM @schema@.checkpoints c WHERE c.name = ANY (believed_checkpoints)
        ORDER BY c.name FOR UPDATE;
        epochs := ARRAY(
            SELECT coalesce(c.epoch, 0)
            FROM unnest(believed_checkpoints) WITH ORDINALITY b(name, place)
            LEFT JOIN @schema@.checkpoints c USING (name)
            ORDER BY b.place);
        written := written AND epochs = believed_epochs;
    END IF;
    IF guards IS NOT NULL THEN
        guard_hits := @schema@.hits(guards);
        written := written AND array_remove(guard_hits, NULL) = '{}';
    END IF;
    IF NOT written THEN
        RETURN;
    END IF;

    IF s_ids IS NOT NULL THEN
        INSERT INTO @schema@.streams (id, category, key)
        SELECT * FROM unnest(s_ids, s_categories, s_keys) ON CONFLICT DO NOTHING;
    END IF;
    IF e_versions IS NOT NULL THEN
        INSERT INTO @schema@.events (position, version, occurred_at, recorded_at, kind, category,
            stream, id, correlation, causation, operation, unit, tags, details, payload)
        SELECT head + n.place, versions[n.stream] + n.version, n.occurred,
            greatest(n.recorded, commit_group.recorded), n.kind, n.category,
            believed_streams[n.stream], n.id, n.correlation, n.causation, n.operation, n.unit,
            n.tags, n.details, n.payload
        FROM unnest(e_streams, e_versions, e_occurred, e_recorded, e_kinds, e_categories, e_ids,
                e_correlations, e_causations, e_operations, e_units, e_tags, e_details, e_payloads)
            WITH ORDINALITY n(stream, version, occurred, recorded, kind, category, id, correlation,
                causation, operation, unit, tags, details, payload, place);
    END IF;
    IF t_tags IS NOT NULL THEN
        INSERT INTO @schema@.tags (tag, position)
        SELECT n.tag, head + n.place FROM unnest(t_tags, t_places) n(tag, place)
        ON CONFLICT DO NOTHING;
    END IF;
    IF o_ids IS NOT NULL THEN
        INSERT INTO @schema@.operations (id, position, recorded_at, unit)
        SELECT n.id, head, greatest(n.recorded, commit_group.recorded), n.unit
        FROM unnest(o_ids, o_recorded, o_units) n(id, recorded, unit);
    END IF;
    IF p_streams IS NOT NULL THEN
        INSERT INTO @schema@.snapshots AS old (stream, version, shape_version,
            shape_fingerprint, encoding, taken_at, data)
        SELECT * FROM unnest(p_streams, p_versions, p_shapes, p_fingerprints, p_encodings,
            p_taken, p_data)
        ON CONFLICT (stream) DO UPDATE SET version = excluded.version,
            shape_version = excluded.shape_version,
            shape_fingerprint = excluded.shape_fingerprint, encoding = excluded.encoding,
            taken_at = excluded.taken_at, data = excluded.data
        WHERE (old.shape_version, old.shape_fingerprint)
                <> (excluded.shape_version, excluded.shape_fingerprint)
            OR old.version <= excluded.version;
    END IF;
    IF r_clear IS NOT NULL THEN
        DELETE FROM @schema@.rows r WHERE r."table" = ANY (r_clear);
    END IF;
    IF r_gone_tables IS NOT NULL THEN
        DELETE FROM @schema@.rows r USING unnest(r_gone_tables, r_gone_keys) n(number, key)
        WHERE r."table" = n.number AND r.key = n.key;
    END IF;
    IF r_tables IS NOT NULL THEN
        INSERT INTO @schema@.rows ("table", key, value)
        SELECT * FROM unnest(r_tables, r_keys, r_values)
        ON CONFLICT ("table", key) DO UPDATE SET value = excluded.value;
    END IF;
    IF c_names IS NOT NULL THEN
        UPDATE @schema@.checkpoints c SET log = n.log, position = n.position
        FROM unnest(c_names, c_logs, c_positions) n(name, log, position) WHERE c.name = n.name;
    END IF;
END $$;

-- The first position in a range that was recorded at or after a time, one
-- behind the range if none was. Recorded times never go back along the log.
CREATE FUNCTION @schema@.first_at(low bigint, high bigint, at bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    middle bigint;
    found bigint;
BEGIN
    WHILE low <= high LOOP
        middle := low + (high - low) / 2;
        SELECT e.recorded_at INTO found FROM @schema@.events e WHERE e.position = middle;
        IF found < at THEN
            low := middle + 1;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;

-- A payload as `jsonb`, NULL where it cannot be: no JSON, no UTF-8, a text with
-- U+0000, a number beyond all bounds. For queries by content; what is stored
-- stays the exact bytes. A column of it and an index are made by
--   ALTER TABLE @schema@.events ADD COLUMN json jsonb
--       GENERATED ALWAYS AS (@schema@.as_json(payload)) STORED;
CREATE FUNCTION @schema@.as_json(payload bytea) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN convert_from(payload, 'UTF8')::jsonb;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

-- The log for people and their tools: names instead of numbers, text where the
-- content is text.
CREATE VIEW @schema@.readable AS
SELECT e.position, c.tenant, c.category, s.key, e.version, k.type, k.version AS type_version,
    to_timestamp(e.recorded_at / 1000000.0) AS recorded_at,
    to_timestamp(e.occurred_at / 1000000.0) AS occurred_at,
    e.id, e.correlation, e.causation, string_to_array(e.tags, E'\n') AS tags,
    CASE WHEN k.encoding = 'json' THEN @schema@.as_json(e.payload) END AS json, e.payload
FROM @schema@.events e
JOIN @schema@.kinds k ON k.number = e.kind
JOIN @schema@.categories c ON c.number = e.category
JOIN @schema@.streams s ON s.id = e.stream;
