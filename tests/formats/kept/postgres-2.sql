--
-- PostgreSQL database dump
--

\restrict h9OY6T1D7LBuNcBarox9Tfzbm63S1uEEPqxZZKv3Z0YcIqVizbd9Z6EDtvtFn64

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: cqrs; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA cqrs;


ALTER SCHEMA cqrs OWNER TO postgres;

--
-- Name: as_json(bytea); Type: FUNCTION; Schema: cqrs; Owner: postgres
--

CREATE FUNCTION cqrs.as_json(payload bytea) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
BEGIN
    RETURN convert_from(payload, 'UTF8')::jsonb;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;


ALTER FUNCTION cqrs.as_json(payload bytea) OWNER TO postgres;

--
-- Name: commit_fenced(uuid, bigint, bigint, uuid[], bigint[], uuid[], text[], bigint[], jsonb, integer[], bigint[], bigint[], bigint[], integer[], integer[], uuid[], uuid[], uuid[], uuid[], bytea[], text[], bytea[], bytea[], uuid[], integer[], text[], uuid[], bigint[], uuid[], bigint[], bytea[], uuid[], bigint[], bigint[], bigint[], text[], bigint[], bytea[], integer[], integer[], bytea[], integer[], bytea[], bytea[], text[], uuid[], bigint[], text[], bigint[]); Type: FUNCTION; Schema: cqrs; Owner: postgres
--

CREATE FUNCTION cqrs.commit_fenced(log_id uuid, lock_key bigint, believed_head bigint, believed_streams uuid[], believed_versions bigint[], absent_operations uuid[], believed_checkpoints text[], believed_epochs bigint[], guards jsonb, e_streams integer[], e_versions bigint[], e_occurred bigint[], e_recorded bigint[], e_kinds integer[], e_categories integer[], e_ids uuid[], e_correlations uuid[], e_causations uuid[], e_operations uuid[], e_units bytea[], e_tags text[], e_details bytea[], e_payloads bytea[], s_ids uuid[], s_categories integer[], s_keys text[], t_tags uuid[], t_places bigint[], o_ids uuid[], o_recorded bigint[], o_units bytea[], p_streams uuid[], p_versions bigint[], p_shapes bigint[], p_fingerprints bigint[], p_encodings text[], p_taken bigint[], p_data bytea[], r_clear integer[], r_gone_tables integer[], r_gone_keys bytea[], r_tables integer[], r_keys bytea[], r_values bytea[], c_names text[], c_logs uuid[], c_positions bigint[], believed_leases text[], believed_tokens bigint[], OUT written boolean, OUT head bigint, OUT recorded bigint, OUT versions bigint[], OUT recorded_operations uuid[], OUT epochs bigint[], OUT guard_hits bigint[], OUT tokens bigint[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF lock_key IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(lock_key);
    END IF;
    PERFORM FROM cqrs.leases l WHERE l.name = ANY (believed_leases)
    ORDER BY l.name FOR SHARE;
    tokens := ARRAY(
        SELECT CASE WHEN l.until > cqrs.instant() THEN l.token ELSE -coalesce(l.token, 0) END
        FROM unnest(believed_leases) WITH ORDINALITY b(name, place)
        LEFT JOIN cqrs.leases l USING (name)
        ORDER BY b.place);
    IF tokens <> believed_tokens THEN
        SELECT e.position, e.recorded_at INTO head, recorded
        FROM cqrs.events e ORDER BY e.position DESC LIMIT 1;
        head := coalesce(head, 0);
        recorded := coalesce(recorded, -9223372036854775808);
        written := false;
        RETURN;
    END IF;
    SELECT g.written, g.head, g.recorded, g.versions, g.recorded_operations, g.epochs, g.guard_hits
    INTO written, head, recorded, versions, recorded_operations, epochs, guard_hits
    FROM cqrs.commit_group(
        log_id, lock_key, believed_head, believed_streams, believed_versions, absent_operations,
        believed_checkpoints, believed_epochs, guards, e_streams, e_versions, e_occurred,
        e_recorded, e_kinds, e_categories, e_ids, e_correlations, e_causations, e_operations,
        e_units, e_tags, e_details, e_payloads, s_ids, s_categories, s_keys, t_tags, t_places,
        o_ids, o_recorded, o_units, p_streams, p_versions, p_shapes, p_fingerprints, p_encodings,
        p_taken, p_data, r_clear, r_gone_tables, r_gone_keys, r_tables, r_keys, r_values,
        c_names, c_logs, c_positions) g;
END $$;


ALTER FUNCTION cqrs.commit_fenced(log_id uuid, lock_key bigint, believed_head bigint, believed_streams uuid[], believed_versions bigint[], absent_operations uuid[], believed_checkpoints text[], believed_epochs bigint[], guards jsonb, e_streams integer[], e_versions bigint[], e_occurred bigint[], e_recorded bigint[], e_kinds integer[], e_categories integer[], e_ids uuid[], e_correlations uuid[], e_causations uuid[], e_operations uuid[], e_units bytea[], e_tags text[], e_details bytea[], e_payloads bytea[], s_ids uuid[], s_categories integer[], s_keys text[], t_tags uuid[], t_places bigint[], o_ids uuid[], o_recorded bigint[], o_units bytea[], p_streams uuid[], p_versions bigint[], p_shapes bigint[], p_fingerprints bigint[], p_encodings text[], p_taken bigint[], p_data bytea[], r_clear integer[], r_gone_tables integer[], r_gone_keys bytea[], r_tables integer[], r_keys bytea[], r_values bytea[], c_names text[], c_logs uuid[], c_positions bigint[], believed_leases text[], believed_tokens bigint[], OUT written boolean, OUT head bigint, OUT recorded bigint, OUT versions bigint[], OUT recorded_operations uuid[], OUT epochs bigint[], OUT guard_hits bigint[], OUT tokens bigint[]) OWNER TO postgres;

--
-- Name: commit_group(uuid, bigint, bigint, uuid[], bigint[], uuid[], text[], bigint[], jsonb, integer[], bigint[], bigint[], bigint[], integer[], integer[], uuid[], uuid[], uuid[], uuid[], bytea[], text[], bytea[], bytea[], uuid[], integer[], text[], uuid[], bigint[], uuid[], bigint[], bytea[], uuid[], bigint[], bigint[], bigint[], text[], bigint[], bytea[], integer[], integer[], bytea[], integer[], bytea[], bytea[], text[], uuid[], bigint[]); Type: FUNCTION; Schema: cqrs; Owner: postgres
--

CREATE FUNCTION cqrs.commit_group(log_id uuid, lock_key bigint, believed_head bigint, believed_streams uuid[], believed_versions bigint[], absent_operations uuid[], believed_checkpoints text[], believed_epochs bigint[], guards jsonb, e_streams integer[], e_versions bigint[], e_occurred bigint[], e_recorded bigint[], e_kinds integer[], e_categories integer[], e_ids uuid[], e_correlations uuid[], e_causations uuid[], e_operations uuid[], e_units bytea[], e_tags text[], e_details bytea[], e_payloads bytea[], s_ids uuid[], s_categories integer[], s_keys text[], t_tags uuid[], t_places bigint[], o_ids uuid[], o_recorded bigint[], o_units bytea[], p_streams uuid[], p_versions bigint[], p_shapes bigint[], p_fingerprints bigint[], p_encodings text[], p_taken bigint[], p_data bytea[], r_clear integer[], r_gone_tables integer[], r_gone_keys bytea[], r_tables integer[], r_keys bytea[], r_values bytea[], c_names text[], c_logs uuid[], c_positions bigint[], OUT written boolean, OUT head bigint, OUT recorded bigint, OUT versions bigint[], OUT recorded_operations uuid[], OUT epochs bigint[], OUT guard_hits bigint[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF lock_key IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(lock_key);
    END IF;
    IF NOT EXISTS (SELECT FROM cqrs.log l WHERE l.id = log_id) THEN
        RAISE SQLSTATE 'CQ001' USING MESSAGE = 'another log is there than when it was opened';
    END IF;
    SELECT e.position, e.recorded_at INTO head, recorded
    FROM cqrs.events e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    recorded := coalesce(recorded, -9223372036854775808);
    written := believed_head IS NULL OR believed_head = head;

    IF believed_streams IS NOT NULL THEN
        SELECT array_agg(found.version ORDER BY found.place),
            written AND bool_and(found.believed IS NULL OR found.believed = found.version)
        INTO versions, written
        FROM (
            SELECT b.place, b.believed, coalesce((
                SELECT e.version FROM cqrs.events e WHERE e.stream = b.stream
                ORDER BY e.version DESC LIMIT 1), 0) AS version
            FROM unnest(believed_streams, believed_versions)
                WITH ORDINALITY b(stream, believed, place)) found;
    END IF;
    IF absent_operations IS NOT NULL THEN
        recorded_operations := ARRAY(
            SELECT e.operation FROM cqrs.events e WHERE e.operation = ANY (absent_operations)
            UNION ALL
            SELECT o.id FROM cqrs.operations o WHERE o.id = ANY (absent_operations));
        written := written AND cardinality(recorded_operations) = 0;
    END IF;
    IF believed_checkpoints IS NOT NULL THEN
        PERFORM FROM cqrs.checkpoints c WHERE c.name = ANY (believed_checkpoints)
        ORDER BY c.name FOR UPDATE;
        epochs := ARRAY(
            SELECT coalesce(c.epoch, 0)
            FROM unnest(believed_checkpoints) WITH ORDINALITY b(name, place)
            LEFT JOIN cqrs.checkpoints c USING (name)
            ORDER BY b.place);
        written := written AND epochs = believed_epochs;
    END IF;
    IF guards IS NOT NULL THEN
        guard_hits := cqrs.hits(guards);
        written := written AND array_remove(guard_hits, NULL) = '{}';
    END IF;
    IF NOT written THEN
        RETURN;
    END IF;

    IF s_ids IS NOT NULL THEN
        INSERT INTO cqrs.streams (id, category, key)
        SELECT * FROM unnest(s_ids, s_categories, s_keys) ON CONFLICT DO NOTHING;
    END IF;
    IF e_versions IS NOT NULL THEN
        INSERT INTO cqrs.events (position, version, occurred_at, recorded_at, kind, category,
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
        INSERT INTO cqrs.tags (tag, position)
        SELECT n.tag, head + n.place FROM unnest(t_tags, t_places) n(tag, place)
        ON CONFLICT DO NOTHING;
    END IF;
    IF o_ids IS NOT NULL THEN
        INSERT INTO cqrs.operations (id, position, recorded_at, unit)
        SELECT n.id, head, greatest(n.recorded, commit_group.recorded), n.unit
        FROM unnest(o_ids, o_recorded, o_units) n(id, recorded, unit);
    END IF;
    IF p_streams IS NOT NULL THEN
        INSERT INTO cqrs.snapshots AS old (stream, version, shape_version,
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
        DELETE FROM cqrs.rows r WHERE r."table" = ANY (r_clear);
    END IF;
    IF r_gone_tables IS NOT NULL THEN
        DELETE FROM cqrs.rows r USING unnest(r_gone_tables, r_gone_keys) n(number, key)
        WHERE r."table" = n.number AND r.key = n.key;
    END IF;
    IF r_tables IS NOT NULL THEN
        INSERT INTO cqrs.rows ("table", key, value)
        SELECT * FROM unnest(r_tables, r_keys, r_values)
        ON CONFLICT ("table", key) DO UPDATE SET value = excluded.value;
    END IF;
    IF c_names IS NOT NULL THEN
        UPDATE cqrs.checkpoints c SET log = n.log, position = n.position
        FROM unnest(c_names, c_logs, c_positions) n(name, log, position) WHERE c.name = n.name;
    END IF;
END $$;


ALTER FUNCTION cqrs.commit_group(log_id uuid, lock_key bigint, believed_head bigint, believed_streams uuid[], believed_versions bigint[], absent_operations uuid[], believed_checkpoints text[], believed_epochs bigint[], guards jsonb, e_streams integer[], e_versions bigint[], e_occurred bigint[], e_recorded bigint[], e_kinds integer[], e_categories integer[], e_ids uuid[], e_correlations uuid[], e_causations uuid[], e_operations uuid[], e_units bytea[], e_tags text[], e_details bytea[], e_payloads bytea[], s_ids uuid[], s_categories integer[], s_keys text[], t_tags uuid[], t_places bigint[], o_ids uuid[], o_recorded bigint[], o_units bytea[], p_streams uuid[], p_versions bigint[], p_shapes bigint[], p_fingerprints bigint[], p_encodings text[], p_taken bigint[], p_data bytea[], r_clear integer[], r_gone_tables integer[], r_gone_keys bytea[], r_tables integer[], r_keys bytea[], r_values bytea[], c_names text[], c_logs uuid[], c_positions bigint[], OUT written boolean, OUT head bigint, OUT recorded bigint, OUT versions bigint[], OUT recorded_operations uuid[], OUT epochs bigint[], OUT guard_hits bigint[]) OWNER TO postgres;

--
-- Name: first_at(bigint, bigint, bigint); Type: FUNCTION; Schema: cqrs; Owner: postgres
--

CREATE FUNCTION cqrs.first_at(low bigint, high bigint, at bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    middle bigint;
    found bigint;
BEGIN
    WHILE low <= high LOOP
        middle := low + (high - low) / 2;
        SELECT e.recorded_at INTO found FROM cqrs.events e WHERE e.position = middle;
        IF found < at THEN
            low := middle + 1;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;


ALTER FUNCTION cqrs.first_at(low bigint, high bigint, at bigint) OWNER TO postgres;

--
-- Name: hits(jsonb); Type: FUNCTION; Schema: cqrs; Owner: postgres
--

CREATE FUNCTION cqrs.hits(guards jsonb) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
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
                    SELECT number FROM cqrs.kinds
                    WHERE type IN (SELECT jsonb_array_elements_text(item->'types')));
            END IF;
            marks := ARRAY(SELECT jsonb_array_elements_text(item->'tags')::uuid);
            IF cardinality(marks) > 0 THEN
                SELECT t.position INTO one FROM cqrs.tags t
                WHERE t.tag = marks[1] AND t.position > read_to
                    AND NOT EXISTS (
                        SELECT FROM unnest(marks) m(mark)
                        WHERE NOT EXISTS (
                            SELECT FROM cqrs.tags o
                            WHERE o.tag = m.mark AND o.position = t.position))
                    AND (wanted IS NULL OR EXISTS (
                        SELECT FROM cqrs.events e
                        WHERE e.position = t.position AND e.kind = ANY (wanted)))
                ORDER BY t.position LIMIT 1;
            ELSIF wanted IS NOT NULL THEN
                SELECT min(first.position) INTO one FROM unnest(wanted) k(kind)
                CROSS JOIN LATERAL (
                    SELECT e.position FROM cqrs.events e
                    WHERE (e.kind, e.position) > (k.kind, read_to)
                        AND (e.kind, e.position) < (k.kind, 9223372036854775807)
                    ORDER BY e.kind, e.position LIMIT 1) first;
            ELSE
                SELECT e.position INTO one FROM cqrs.events e
                WHERE e.position > read_to ORDER BY e.position LIMIT 1;
            END IF;
            hit := least(hit, one);
        END LOOP;
        found := found || hit;
    END LOOP;
    RETURN found;
END $$;


ALTER FUNCTION cqrs.hits(guards jsonb) OWNER TO postgres;

--
-- Name: instant(); Type: FUNCTION; Schema: cqrs; Owner: postgres
--

CREATE FUNCTION cqrs.instant() RETURNS bigint
    LANGUAGE sql
    AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;


ALTER FUNCTION cqrs.instant() OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: categories; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.categories (
    number integer NOT NULL,
    tenant text NOT NULL COLLATE pg_catalog."C",
    category text NOT NULL COLLATE pg_catalog."C"
);


ALTER TABLE cqrs.categories OWNER TO postgres;

--
-- Name: categories_number_seq; Type: SEQUENCE; Schema: cqrs; Owner: postgres
--

ALTER TABLE cqrs.categories ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME cqrs.categories_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: checkpoints; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.checkpoints (
    name text NOT NULL COLLATE pg_catalog."C",
    epoch bigint NOT NULL,
    log uuid,
    "position" bigint
)
WITH (fillfactor='50');


ALTER TABLE cqrs.checkpoints OWNER TO postgres;

--
-- Name: events; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.events (
    "position" bigint NOT NULL,
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
    tags text COLLATE pg_catalog."C",
    details bytea,
    payload bytea NOT NULL
);
ALTER TABLE ONLY cqrs.events ALTER COLUMN payload SET STORAGE EXTERNAL;


ALTER TABLE cqrs.events OWNER TO postgres;

--
-- Name: kinds; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.kinds (
    number integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    encoding text NOT NULL COLLATE pg_catalog."C"
);


ALTER TABLE cqrs.kinds OWNER TO postgres;

--
-- Name: kinds_number_seq; Type: SEQUENCE; Schema: cqrs; Owner: postgres
--

ALTER TABLE cqrs.kinds ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME cqrs.kinds_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: leases; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.leases (
    name text NOT NULL COLLATE pg_catalog."C",
    token bigint NOT NULL,
    holder text NOT NULL COLLATE pg_catalog."C",
    until bigint NOT NULL
)
WITH (fillfactor='50');


ALTER TABLE cqrs.leases OWNER TO postgres;

--
-- Name: log; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.log (
    id uuid NOT NULL,
    mode text NOT NULL,
    origin text NOT NULL,
    one boolean DEFAULT true NOT NULL,
    CONSTRAINT log_one_check CHECK (one)
);


ALTER TABLE cqrs.log OWNER TO postgres;

--
-- Name: migrations; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    shape text NOT NULL,
    run_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE cqrs.migrations OWNER TO postgres;

--
-- Name: operations; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.operations (
    id uuid NOT NULL,
    "position" bigint NOT NULL,
    recorded_at bigint NOT NULL,
    unit bytea NOT NULL
);


ALTER TABLE cqrs.operations OWNER TO postgres;

--
-- Name: streams; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.streams (
    id uuid NOT NULL,
    category integer NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C"
);


ALTER TABLE cqrs.streams OWNER TO postgres;

--
-- Name: readable; Type: VIEW; Schema: cqrs; Owner: postgres
--

CREATE VIEW cqrs.readable AS
 SELECT e."position",
    c.tenant,
    c.category,
    s.key,
    e.version,
    k.type,
    k.version AS type_version,
    to_timestamp((((e.recorded_at)::numeric / 1000000.0))::double precision) AS recorded_at,
    to_timestamp((((e.occurred_at)::numeric / 1000000.0))::double precision) AS occurred_at,
    e.id,
    e.correlation,
    e.causation,
    string_to_array(e.tags, '
'::text) AS tags,
        CASE
            WHEN (k.encoding = 'json'::text) THEN cqrs.as_json(e.payload)
            ELSE NULL::jsonb
        END AS json,
    e.payload
   FROM (((cqrs.events e
     JOIN cqrs.kinds k ON ((k.number = e.kind)))
     JOIN cqrs.categories c ON ((c.number = e.category)))
     JOIN cqrs.streams s ON ((s.id = e.stream)));


ALTER TABLE cqrs.readable OWNER TO postgres;

--
-- Name: rows; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.rows (
    "table" integer NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL
)
WITH (fillfactor='70');


ALTER TABLE cqrs.rows OWNER TO postgres;

--
-- Name: snapshots; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.snapshots (
    stream uuid NOT NULL,
    version bigint NOT NULL,
    shape_version bigint NOT NULL,
    shape_fingerprint bigint NOT NULL,
    encoding text NOT NULL COLLATE pg_catalog."C",
    taken_at bigint NOT NULL,
    data bytea NOT NULL
);
ALTER TABLE ONLY cqrs.snapshots ALTER COLUMN data SET STORAGE EXTERNAL;


ALTER TABLE cqrs.snapshots OWNER TO postgres;

--
-- Name: tables; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.tables (
    number integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C"
);


ALTER TABLE cqrs.tables OWNER TO postgres;

--
-- Name: tables_number_seq; Type: SEQUENCE; Schema: cqrs; Owner: postgres
--

ALTER TABLE cqrs.tables ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME cqrs.tables_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: tags; Type: TABLE; Schema: cqrs; Owner: postgres
--

CREATE TABLE cqrs.tags (
    tag uuid NOT NULL,
    "position" bigint NOT NULL
);


ALTER TABLE cqrs.tags OWNER TO postgres;

--
-- Data for Name: categories; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.categories (number, tenant, category) FROM stdin;
1		account
2	acme	account
\.


--
-- Data for Name: checkpoints; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.checkpoints (name, epoch, log, "position") FROM stdin;
projection balances@1	1	f9df7162-44e9-4d31-ba8f-35df567c3cdb	18
\.


--
-- Data for Name: events; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.events ("position", version, occurred_at, recorded_at, kind, category, stream, id, correlation, causation, operation, unit, tags, details, payload) FROM stdin;
1	1	1767225600000000	1767225600000000	1	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-000000000002	00000000-0000-7000-8000-000000000001	00000000-0000-7000-8000-000000000001	00000000-0000-7000-8000-000000000003	\\x01000000b4f6c0438bb2b1d711f6eea960ebc2da	owner:Ada	\N	\\x7b226f776e6572223a22416461227d
2	2	1767225601500000	1767225601500000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-000000000005	00000000-0000-7000-8000-000000000004	00000000-0000-7000-8000-000000000004	00000000-0000-7000-8000-000000000006	\\x01000000312ccfe08c44c2cb8667621b940e01e8	\N	\N	\\x7b2263656e7473223a317d
3	3	1767225603000000	1767225603000000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-000000000008	00000000-0000-7000-8000-000000000007	00000000-0000-7000-8000-000000000007	00000000-0000-7000-8000-000000000009	\\x010000004816df12f0feba971ab8efefb4e9c5d3	\N	\N	\\x7b2263656e7473223a327d
4	4	1767225604500000	1767225604500000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-00000000000b	00000000-0000-7000-8000-00000000000a	00000000-0000-7000-8000-00000000000a	00000000-0000-7000-8000-00000000000c	\\x01000000166cc6670b370e9daf22b02a88295973	\N	\N	\\x7b2263656e7473223a337d
5	5	1767225606000000	1767225606000000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-00000000000e	00000000-0000-7000-8000-00000000000d	00000000-0000-7000-8000-00000000000d	00000000-0000-7000-8000-00000000000f	\\x01000000da30d9d9a04e87891daa29e4d7f5e43f	\N	\N	\\x7b2263656e7473223a347d
6	6	1767225607500000	1767225607500000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-000000000012	00000000-0000-7000-8000-000000000011	00000000-0000-7000-8000-000000000011	00000000-0000-7000-8000-000000000013	\\x0100000023163182bcea1bb6d2223c752a18797e	\N	\N	\\x7b2263656e7473223a357d
7	7	1767225609000000	1767225609000000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-000000000015	00000000-0000-7000-8000-000000000014	00000000-0000-7000-8000-000000000014	00000000-0000-7000-8000-000000000016	\\x01000000a83796e8be5f1a0a45415c374872dd37	\N	\N	\\x7b2263656e7473223a367d
8	8	1767225610500000	1767225610500000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-000000000018	00000000-0000-7000-8000-000000000017	00000000-0000-7000-8000-000000000017	00000000-0000-7000-8000-000000000019	\\x0100000003a3060fa847d1574f192c7c01f457be	\N	\N	\\x7b2263656e7473223a377d
9	9	1767225612000000	1767225612000000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-00000000001b	00000000-0000-7000-8000-00000000001a	00000000-0000-7000-8000-00000000001a	00000000-0000-7000-8000-00000000001c	\\x010000002fb53f5fdc9f3abd1e3ad85d6dc4524c	\N	\N	\\x7b2263656e7473223a387d
10	10	1767225613500000	1767225613500000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-00000000001e	00000000-0000-7000-8000-00000000001d	00000000-0000-7000-8000-00000000001d	00000000-0000-7000-8000-00000000001f	\\x01000000ff830df41926b574f64fb37e588912a6	\N	\N	\\x7b2263656e7473223a397d
11	11	1767225615000000	1767225615000000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-000000000023	00000000-0000-7000-8000-000000000022	00000000-0000-7000-8000-000000000022	00000000-0000-7000-8000-000000000024	\\x01000000ab28b927dc9e2ed4871cf3f2bdba7841	\N	\N	\\x7b2263656e7473223a31307d
12	12	1767225616500000	1767225616500000	2	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-000000000026	00000000-0000-7000-8000-000000000025	00000000-0000-7000-8000-000000000025	00000000-0000-7000-8000-000000000027	\\x010000009c1f752ab1ac27e82c407de35d61a0d2	\N	\N	\\x7b2263656e7473223a31317d
13	13	1767225616500000	1767225616500000	3	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-00000000002a	00000000-0000-7000-8000-000000000029	00000000-0000-7000-8000-000000000029	b6116c69-3a4e-810e-84bf-2660493b25bf	\\x01000000be8a9b011cc63d4eedc5ead0f04d3e28	\N	\\x7b226163746f72223a2261756469746f72227d	\\x7b226279223a2261756469746f72222c226174223a22323032362d30312d30315430303a30303a31362e3530303030305a227d
14	1	1767225616500000	1767225616500000	1	2	729bf44f-5bf3-51f5-3d8c-06300d919ba3	00000000-0000-7000-8000-00000000002c	00000000-0000-7000-8000-00000000002b	00000000-0000-7000-8000-00000000002b	00000000-0000-7000-8000-00000000002d	\\x01000000ac07b6c48bb41f017606b578dc4e8b57	owner:Böb 🦀	\N	\\x7b226f776e6572223a2242c3b66220f09fa680227d
15	1	1767225616500000	1767225616500000	1	1	e0e0fea2-f505-c33f-4efc-cb8308f01715	00000000-0000-7000-8000-00000000002f	00000000-0000-7000-8000-00000000002e	00000000-0000-7000-8000-00000000002e	00000000-0000-7000-8000-000000000030	\\x01000000b1518d62dd3d139e86733ee164771783	owner:Carl	\N	\\x7b226f776e6572223a224361726c227d
16	14	1767225616500000	1767225616500000	4	1	eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	00000000-0000-7000-8000-000000000033	00000000-0000-7000-8000-000000000031	00000000-0000-7000-8000-000000000031	00000000-0000-7000-8000-000000000032	\\x02000000dc39cb1b21f92c4e5d9ed761cccddb33	\N	\N	\\x7b2263656e7473223a357d
17	2	1767225616500000	1767225616500000	2	1	e0e0fea2-f505-c33f-4efc-cb8308f01715	00000000-0000-7000-8000-000000000034	00000000-0000-7000-8000-000000000031	00000000-0000-7000-8000-000000000031	\N	\N	\N	\N	\\x7b2263656e7473223a357d
18	3	1767225616500000	1767225616500000	5	1	e0e0fea2-f505-c33f-4efc-cb8308f01715	00000000-0000-7000-8000-000000000037	00000000-0000-7000-8000-000000000035	00000000-0000-7000-8000-000000000035	00000000-0000-7000-8000-000000000036	\\x01000000c5d82ed6be6769ec7fd2d356672aeff4	\N	\\x7b226163746f72223a22616461227d	\\x7b22726561736f6e223a226e6f206d6f7265206e6565646564227d
\.


--
-- Data for Name: kinds; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.kinds (number, type, version, encoding) FROM stdin;
1	account.opened	1	json
2	account.deposited	1	json
3	account.audited	1	json
4	account.withdrawn	1	json
5	lifecycle.deleted	1	json
\.


--
-- Data for Name: leases; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.leases (name, token, holder, until) FROM stdin;
billing	1	host-1	1154717204282399044
\.


--
-- Data for Name: log; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.log (id, mode, origin, one) FROM stdin;
f9df7162-44e9-4d31-ba8f-35df567c3cdb	locked	7712471374967099151/1/5/16429	t
\.


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.migrations (number, name, shape, run_at) FROM stdin;
1	log	be358f7996ff324f05079cc9525f5865	2026-11-26 13:27:55.37886+00
2	leases	4d31e6c81c5edba459da765113e4e630	2026-11-26 13:27:55.508713+00
\.


--
-- Data for Name: operations; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.operations (id, "position", recorded_at, unit) FROM stdin;
\.


--
-- Data for Name: rows; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.rows ("table", key, value) FROM stdin;
1	\\x6164610000	\\x3631
1	\\x62c3b6620000	\\x30
1	\\x6361726c0000	\\x35
\.


--
-- Data for Name: snapshots; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.snapshots (stream, version, shape_version, shape_fingerprint, encoding, taken_at, data) FROM stdin;
eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	10	1	8131092250256051744	json	1767225613500000	\\x7b226f70656e223a747275652c2263656e7473223a34352c22617564697473223a307d
\.


--
-- Data for Name: streams; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.streams (id, category, key) FROM stdin;
eeb3a7f7-dad1-1536-f2bb-86cd997a17d4	1	ada
729bf44f-5bf3-51f5-3d8c-06300d919ba3	2	böb
e0e0fea2-f505-c33f-4efc-cb8308f01715	1	carl
\.


--
-- Data for Name: tables; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.tables (number, name) FROM stdin;
1	balances@1
\.


--
-- Data for Name: tags; Type: TABLE DATA; Schema: cqrs; Owner: postgres
--

COPY cqrs.tags (tag, "position") FROM stdin;
d04fb7d3-b464-1fda-a2e6-0bc8c339026c	1
9f733961-44ba-8860-aa75-b83f73417810	14
b29788bd-b45f-5bba-7df6-42c04995a82a	15
\.


--
-- Name: categories_number_seq; Type: SEQUENCE SET; Schema: cqrs; Owner: postgres
--

SELECT pg_catalog.setval('cqrs.categories_number_seq', 2, true);


--
-- Name: kinds_number_seq; Type: SEQUENCE SET; Schema: cqrs; Owner: postgres
--

SELECT pg_catalog.setval('cqrs.kinds_number_seq', 5, true);


--
-- Name: tables_number_seq; Type: SEQUENCE SET; Schema: cqrs; Owner: postgres
--

SELECT pg_catalog.setval('cqrs.tables_number_seq', 1, true);


--
-- Name: categories categories_category_tenant_key; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.categories
    ADD CONSTRAINT categories_category_tenant_key UNIQUE (category, tenant);


--
-- Name: categories categories_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.categories
    ADD CONSTRAINT categories_pkey PRIMARY KEY (number);


--
-- Name: checkpoints checkpoints_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (name);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.events
    ADD CONSTRAINT events_pkey PRIMARY KEY ("position");


--
-- Name: kinds kinds_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.kinds
    ADD CONSTRAINT kinds_pkey PRIMARY KEY (number);


--
-- Name: kinds kinds_type_version_encoding_key; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.kinds
    ADD CONSTRAINT kinds_type_version_encoding_key UNIQUE (type, version, encoding);


--
-- Name: leases leases_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);


--
-- Name: log log_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.log
    ADD CONSTRAINT log_pkey PRIMARY KEY (one);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);


--
-- Name: operations operations_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.operations
    ADD CONSTRAINT operations_pkey PRIMARY KEY (id);


--
-- Name: rows rows_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.rows
    ADD CONSTRAINT rows_pkey PRIMARY KEY ("table", key);


--
-- Name: snapshots snapshots_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (stream);


--
-- Name: streams streams_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.streams
    ADD CONSTRAINT streams_pkey PRIMARY KEY (id);


--
-- Name: tables tables_name_key; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.tables
    ADD CONSTRAINT tables_name_key UNIQUE (name);


--
-- Name: tables tables_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.tables
    ADD CONSTRAINT tables_pkey PRIMARY KEY (number);


--
-- Name: tags tags_pkey; Type: CONSTRAINT; Schema: cqrs; Owner: postgres
--

ALTER TABLE ONLY cqrs.tags
    ADD CONSTRAINT tags_pkey PRIMARY KEY (tag, "position");


--
-- Name: events_category; Type: INDEX; Schema: cqrs; Owner: postgres
--

CREATE INDEX events_category ON cqrs.events USING btree (category, "position");


--
-- Name: events_correlation; Type: INDEX; Schema: cqrs; Owner: postgres
--

CREATE INDEX events_correlation ON cqrs.events USING btree (correlation, "position");


--
-- Name: events_kind; Type: INDEX; Schema: cqrs; Owner: postgres
--

CREATE INDEX events_kind ON cqrs.events USING btree (kind, "position");


--
-- Name: events_operation; Type: INDEX; Schema: cqrs; Owner: postgres
--

CREATE UNIQUE INDEX events_operation ON cqrs.events USING btree (operation) WHERE (operation IS NOT NULL);


--
-- Name: events_stream; Type: INDEX; Schema: cqrs; Owner: postgres
--

CREATE UNIQUE INDEX events_stream ON cqrs.events USING btree (stream, version);


--
-- PostgreSQL database dump complete
--

\unrestrict h9OY6T1D7LBuNcBarox9Tfzbm63S1uEEPqxZZKv3Z0YcIqVizbd9Z6EDtvtFn64

