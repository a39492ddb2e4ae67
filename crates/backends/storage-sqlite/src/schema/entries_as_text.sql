CREATE VIEW entries_as_text AS
SELECT
    CASE space WHEN 0 THEN 'system' WHEN 1 THEN 'user' ELSE space END AS space,
    CAST(key AS TEXT) AS key,
    CAST(ifnull(value, (SELECT l.value FROM large_values l WHERE l.id = large)) AS TEXT) AS value,
    strftime('%Y-%m-%d %H:%M:%f', expires / 1000.0, 'unixepoch') AS expires
FROM entries
