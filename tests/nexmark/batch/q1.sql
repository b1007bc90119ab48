SELECT auction, bidder, CAST(CAST(price AS DECIMAL(20, 3)) * 0.908 AS DECIMAL(23, 3)) AS price, dateTime, extra
FROM bid;
