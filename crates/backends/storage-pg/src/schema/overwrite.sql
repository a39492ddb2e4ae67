ON CONFLICT (space, key) DO UPDATE
SET value = excluded.value, expires = excluded.expires,
    version = excluded.version, updated_at = excluded.updated_at
