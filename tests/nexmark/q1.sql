-- Prices in another currency.

CREATE STREAM q1 AS
  SELECT auction, bidder, 0.908 * price AS price, dateTime, extra FROM bid;

\wait
SELECT auction, bidder, price, dateTime, extra FROM q1;
