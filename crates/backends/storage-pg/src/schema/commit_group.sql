CREATE FUNCTION {schema}.commit_group(
    writer uuid,
    number bigint,
    members integer,
    moment bigint,
    above bigint,
    is_volatile boolean,
    step_kinds smallint[],
    step_members integer[],
    step_firsts integer[],
    step_lasts integer[],
    put_members integer[],
    put_spaces smallint[],
    put_keys bytea[],
    put_suffixes bytea[],
    put_values bytea[],
    put_expiries bigint[],
    guard_kinds smallint[],
    guard_spaces smallint[],
    guard_keys bytea[],
    guard_versions bigint[],
    range_spaces smallint[],
    range_starts bytea[],
    range_end_spaces smallint[],
    range_ends bytea[],
    OUT first bigint,
    OUT refused integer[],
    OUT guards integer[]
)
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    from_place integer;
    to_place integer;
    put_key bytea;
    found_version bigint;
    guard_version bigint;
    failed bigint;
    last bigint;
    is_whole boolean := cardinality(step_kinds) = 1;
BEGIN
    IF is_volatile THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;

    {order}
    IF members > 1 OR first <= above THEN
        first := greatest(first, above + 1);
        PERFORM setval('{schema}.commit_numbers', first + members - 1);
    END IF;
    last := first + members - 1;
    refused := '{}';
    guards := '{}';

    FOR step IN 1 .. cardinality(step_kinds) LOOP
        CONTINUE WHEN step_members[step] = ANY (refused);
        from_place := step_firsts[step];
        to_place := step_lasts[step];

        -- Most steps are about one key, for which a plain statement takes half the
        -- time.
        IF step_kinds[step] = 0 AND from_place = to_place THEN
            SELECT e.version INTO found_version
            FROM {schema}.entries e
            WHERE e.space = guard_spaces[from_place] AND e.key = guard_keys[from_place]
                AND {live};
            guard_version := guard_versions[from_place];
            IF NOT (CASE guard_kinds[from_place] {holds} END) THEN
                refused := refused || step_members[step];
                guards := guards || 0;
            END IF;

        ELSIF step_kinds[step] = 1 AND from_place = to_place THEN
            put_key := put_keys[from_place];
            IF put_values[from_place] IS NULL THEN
                DELETE FROM {schema}.entries e
                WHERE e.space = put_spaces[from_place] AND e.key = put_key;
            ELSE
                IF put_suffixes[from_place] IS NOT NULL THEN
                    put_key := put_key || int8send(first + put_members[from_place])
                        || put_suffixes[from_place];
                END IF;
                INSERT INTO {schema}.entries AS e (space, key, value, expires, version)
                VALUES (
                    put_spaces[from_place], put_key, put_values[from_place],
                    put_expiries[from_place], first + put_members[from_place]
                )
                {overwrite};
            END IF;

        ELSIF step_kinds[step] = 0 THEN
            SELECT g.place INTO failed
            FROM unnest(
                guard_kinds[from_place:to_place],
                guard_spaces[from_place:to_place],
                guard_keys[from_place:to_place],
                guard_versions[from_place:to_place]
            ) WITH ORDINALITY AS g (kind, space, key, version, place)
            LEFT JOIN LATERAL (
                SELECT e.version
                FROM {schema}.entries e
                WHERE e.space = g.space AND e.key = g.key
                    AND {live}
            ) live ON true
            WHERE NOT CASE g.kind
                WHEN 0 THEN live.version IS NULL
                WHEN 1 THEN live.version IS NOT NULL
                ELSE coalesce(live.version = g.version, false)
            END
            ORDER BY g.place
            LIMIT 1;
            IF FOUND THEN
                refused := refused || step_members[step];
                guards := guards || (failed - 1)::integer;
            END IF;

        ELSIF step_kinds[step] = 1 THEN
            WITH change AS MATERIALIZED (
                SELECT DISTINCT ON (c.space, c.key) c.space, c.key, c.value, c.expires, c.version
                FROM (
                    SELECT o.space, o.value, o.expires, o.place,
                        first + o.member AS version,
                        CASE
                            WHEN o.suffix IS NULL THEN o.key
                            ELSE o.key || int8send(first + o.member) || o.suffix
                        END AS key
                    FROM unnest(
                        CASE WHEN is_whole THEN put_members ELSE put_members[from_place:to_place] END,
                        CASE WHEN is_whole THEN put_spaces ELSE put_spaces[from_place:to_place] END,
                        CASE WHEN is_whole THEN put_keys ELSE put_keys[from_place:to_place] END,
                        CASE WHEN is_whole THEN put_suffixes ELSE put_suffixes[from_place:to_place] END,
                        CASE WHEN is_whole THEN put_values ELSE put_values[from_place:to_place] END,
                        CASE WHEN is_whole THEN put_expiries ELSE put_expiries[from_place:to_place] END
                    ) WITH ORDINALITY AS o (member, space, key, suffix, value, expires, place)
                ) c
                ORDER BY c.space, c.key, c.place DESC
            ), removed AS (
                DELETE FROM {schema}.entries e
                USING change c
                WHERE c.value IS NULL AND e.space = c.space AND e.key = c.key
            )
            INSERT INTO {schema}.entries AS e (space, key, value, expires, version)
            SELECT c.space, c.key, c.value, c.expires, c.version
            FROM change c
            WHERE c.value IS NOT NULL
            {overwrite};

        ELSE
            FOR place IN from_place .. to_place LOOP
                DELETE FROM {schema}.entries e
                WHERE (e.space, e.key) >= (range_spaces[place], range_starts[place])
                    AND (e.space, e.key) < (range_end_spaces[place], range_ends[place]);
            END LOOP;
        END IF;
    END LOOP;

    -- Where all were refused, nothing is written, and nothing waits for a disk.
    IF cardinality(refused) < members THEN
        WHILE (last - first)::integer = ANY (refused) LOOP
            last := last - 1;
        END LOOP;
        {note};
    END IF;
END
$function$;
