CREATE TABLE {schema}.migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE {schema}.meta (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    store uuid NOT NULL DEFAULT gen_random_uuid(),
    partitions integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE SEQUENCE {schema}.commit_numbers AS bigint;

CREATE TABLE {schema}.outcomes (
    session uuid NOT NULL,
    slot smallint NOT NULL,
    attempt bigint NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    refused integer[] NOT NULL,
    guards integer[] NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session, slot)
) WITH (fillfactor = 50);

CREATE TABLE {schema}.entries (
    space smallint NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    expires bigint,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (space, key)
) {partitioned};

ALTER TABLE {schema}.entries
    ALTER COLUMN key SET STORAGE PLAIN,
    ALTER COLUMN value SET STORAGE EXTERNAL;

{partitions}

CREATE VIEW {schema}.entries_as_text AS
SELECT
    CASE space WHEN 0 THEN 'system' ELSE 'user' END AS space,
    encode(key, 'escape') AS key,
    encode(value, 'escape') AS value,
    CASE
        WHEN expires >= 0 AND expires < 253402300800000 THEN to_timestamp(expires / 1000.0)
        WHEN expires IS NOT NULL THEN 'infinity'
    END AS expires,
    version, created_at, updated_at
FROM {schema}.entries;
