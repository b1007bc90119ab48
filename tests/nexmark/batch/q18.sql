SELECT auction, bidder, price, channel, url, dateTime, extra
FROM (
  SELECT auction, bidder, price, channel, url, dateTime, extra,
    ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY dateTime DESC, ROWOFFSET DESC) AS place
  FROM bid
) AS ranked
WHERE place = 1;
