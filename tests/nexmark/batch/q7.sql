SELECT B.auction, B.price, B.bidder, B.dateTime, B.extra
FROM bid B JOIN (
  SELECT dateTime / 10000 * 10000 + 10000 AS ends, MAX(price) AS price
  FROM bid
  WHERE bidder <> 0
  GROUP BY dateTime / 10000 * 10000 + 10000
) AS H ON B.price = H.price
WHERE B.dateTime BETWEEN H.ends - 10000 AND H.ends;
