CREATE FUNCTION {schema}.commit_one(
    writer uuid,
    number bigint,
    moment bigint,
    above bigint,
    is_volatile boolean,
    put_space smallint,
    put_key bytea,
    put_value bytea,
    put_expiry bigint,
    guard_kind smallint,
    guard_space smallint,
    guard_key bytea,
    guard_version bigint
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    first bigint;
    last bigint;
    refused integer[] := '{}';
    guards integer[] := '{}';
    found_version bigint;
BEGIN
    IF is_volatile THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;

    {order}
    IF first <= above THEN
        first := above + 1;
        PERFORM setval('{schema}.commit_numbers', first);
    END IF;
    last := first;

    IF guard_kind IS NOT NULL THEN
        SELECT e.version INTO found_version
        FROM {schema}.entries e
        WHERE e.space = guard_space AND e.key = guard_key AND {live};
        -- Nothing is written then, and nothing waits for a disk.
        IF NOT (CASE guard_kind {holds} END) THEN
            RETURN -first;
        END IF;
    END IF;

    IF put_value IS NULL THEN
        DELETE FROM {schema}.entries e
        WHERE e.space = put_space AND e.key = put_key;
    ELSE
        INSERT INTO {schema}.entries AS e (space, key, value, expires, version)
        VALUES (put_space, put_key, put_value, put_expiry, first)
        {overwrite};
    END IF;

    {note};
    RETURN first;
END
$function$;
