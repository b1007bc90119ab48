SELECT auction, bidder, CAST(price * 908 / CAST(1000 AS DECIMAL(10, 3)) AS DECIMAL(23, 3)) AS price,
  CASE
    WHEN dateTime / 3600000 % 24 BETWEEN 8 AND 18 THEN 'dayTime'
    WHEN dateTime / 3600000 % 24 IN (7, 19) THEN 'otherTime'
    ELSE 'nightTime'
  END AS bidTimeType,
  dateTime, extra, LENGTH(extra) - LENGTH(TRANSLATE(extra, 'c', '')) AS c_counts
FROM bid
WHERE price * 908 > 1000000000 AND price * 908 < 50000000000;
