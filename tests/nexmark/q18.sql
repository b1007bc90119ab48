-- The last bid of each bidder for each auction. Bids come in the order of their times.

CREATE TABLE q18 AS
  SELECT
    bidder,
    auction,
    LATEST_BY_OFFSET(price) AS price,
    LATEST_BY_OFFSET(channel) AS channel,
    LATEST_BY_OFFSET(url) AS url,
    LATEST_BY_OFFSET(dateTime) AS dateTime,
    LATEST_BY_OFFSET(extra) AS extra
  FROM bid
  GROUP BY bidder, auction;

\wait
SELECT auction, bidder, price, channel, url, dateTime, extra FROM q18;
