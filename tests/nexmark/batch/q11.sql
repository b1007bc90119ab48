SELECT bidder, COUNT(*) AS bid_count, MIN(dateTime) AS starts, MAX(dateTime) + 10000 AS ends
FROM (
  SELECT bidder, dateTime, SUM(pause) OVER (PARTITION BY bidder ORDER BY ROWOFFSET) AS number
  FROM (
    SELECT bidder, dateTime, ROWOFFSET, CASE WHEN dateTime
      - LAG(dateTime) OVER (PARTITION BY bidder ORDER BY ROWOFFSET) <= 10000 THEN 0 ELSE 1 END AS pause
    FROM bid
  ) AS paused
) AS numbered
GROUP BY bidder, number;
