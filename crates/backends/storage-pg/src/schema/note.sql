    INSERT INTO {schema}.outcomes AS o (session, slot, attempt, first, last, refused, guards)
    VALUES (writer, (number % 256)::smallint, number, first, last, refused, guards)
    ON CONFLICT (session, slot) DO UPDATE
    SET attempt = excluded.attempt, first = excluded.first, last = excluded.last,
        refused = excluded.refused, guards = excluded.guards, updated_at = excluded.updated_at
