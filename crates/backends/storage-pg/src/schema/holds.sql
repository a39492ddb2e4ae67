WHEN 0 THEN found_version IS NULL
                WHEN 1 THEN found_version IS NOT NULL
                ELSE coalesce(found_version = guard_version, false)
