WITH counts AS (
  SELECT auction, starts, COUNT(*) AS num
  FROM (
    SELECT auction, dateTime / 2000 * 2000 - 2000 * k AS starts
    FROM bid CROSS JOIN (VALUES (0), (1), (2), (3), (4)) AS steps (k)
  ) AS hops
  GROUP BY auction, starts
)
SELECT auction, num
FROM counts
WHERE num = (SELECT MAX(others.num) FROM counts AS others WHERE others.starts = counts.starts);
