-- How often somebody bids before pausing for more than ten seconds.

CREATE TABLE q11 AS
  SELECT bidder, COUNT(*) AS bid_count
  FROM bid WINDOW SESSION (10 SECONDS, RETENTION 2 DAYS)
  GROUP BY bidder;

\wait
SELECT bidder, bid_count, WINDOWSTART AS starts, WINDOWEND + 10000 AS ends FROM q11;
