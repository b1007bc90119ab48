-- The highest bids of every ten seconds. What the highest price of a window is, is known when the window
-- has ended; so the last window needs somebody to bid after it.

CREATE TABLE q7_highest AS
  SELECT dateTime / 10000 AS number, WINDOWEND AS ends, MAX(price) AS price
  FROM bid WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 2 DAYS)
  GROUP BY dateTime / 10000
  EMIT FINAL;

CREATE STREAM q7_highest_prices (ends BIGINT, price BIGINT)
  WITH (KAFKA_TOPIC = 'Q7_HIGHEST', KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON');

CREATE STREAM q7 AS
  SELECT B.price AS price, B.auction AS auction, B.bidder AS bidder, B.dateTime AS dateTime, B.extra AS extra
  FROM bid B JOIN q7_highest_prices H WITHIN 10 SECONDS ON B.price = H.price
  WHERE B.dateTime BETWEEN H.ends - 10000 AND H.ends;

INSERT INTO bid (auction, bidder, price, dateTime, ROWTIME)
  VALUES (0, 0, 0, 1436961600000, 1436961600000);

\wait
SELECT auction, price, bidder, dateTime, extra FROM q7;
