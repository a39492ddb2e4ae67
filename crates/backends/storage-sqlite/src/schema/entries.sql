CREATE TABLE entries (
    space INTEGER NOT NULL,
    key BLOB NOT NULL,
    expires INTEGER,
    checksum INTEGER NOT NULL,
    large INTEGER,
    value BLOB,
    PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID
