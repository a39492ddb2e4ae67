    -- The order point: what comes below is done for one commit at a time, and
    -- each statement sees all that was committed before. An expression takes
    -- less time than a statement, so the lock is tried for before it is waited for.
    IF NOT pg_try_advisory_xact_lock(1937010530, '{schema}'::regnamespace::oid::integer) THEN
        PERFORM pg_advisory_xact_lock(1937010530, '{schema}'::regnamespace::oid::integer);
    END IF;

    first := nextval('{schema}.commit_numbers');
