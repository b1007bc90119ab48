-- High bids with the time of day and how often a letter occurs.

CREATE STREAM q14 AS
  SELECT
    auction,
    bidder,
    0.908 * price AS price,
    CASE
      WHEN DATE_PART('hour', FROM_UNIXTIME(dateTime)) >= 8
        AND DATE_PART('hour', FROM_UNIXTIME(dateTime)) <= 18 THEN 'dayTime'
      WHEN DATE_PART('hour', FROM_UNIXTIME(dateTime)) <= 6
        OR DATE_PART('hour', FROM_UNIXTIME(dateTime)) >= 20 THEN 'nightTime'
      ELSE 'otherTime'
    END AS bidTimeType,
    dateTime,
    extra,
    LEN(extra) - LEN(REPLACE(extra, 'c', '')) AS c_counts
  FROM bid
  WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000;

\wait
SELECT auction, bidder, price, bidTimeType, dateTime, extra, c_counts FROM q14;
