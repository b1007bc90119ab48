-- Bids and prices of each auction and day.

CREATE TABLE q17 AS
  SELECT
    auction,
    FORMAT_TIMESTAMP(FROM_UNIXTIME(dateTime), 'yyyy-MM-dd') AS bid_day,
    COUNT(*) AS total_bids,
    COUNT(CASE WHEN price < 10000 THEN 1 END) AS rank1_bids,
    COUNT(CASE WHEN price >= 10000 AND price < 1000000 THEN 1 END) AS rank2_bids,
    COUNT(CASE WHEN price >= 1000000 THEN 1 END) AS rank3_bids,
    MIN(price) AS min_price,
    MAX(price) AS max_price,
    SUM(price) / COUNT(*) AS avg_price,
    SUM(price) AS sum_price
  FROM bid
  GROUP BY auction, FORMAT_TIMESTAMP(FROM_UNIXTIME(dateTime), 'yyyy-MM-dd');

\wait
SELECT auction, bid_day, total_bids, rank1_bids, rank2_bids, rank3_bids,
       min_price, max_price, avg_price, sum_price
FROM q17;
