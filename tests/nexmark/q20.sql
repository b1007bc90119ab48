-- Bids with their auctions, of category 10. A bid may be there before its auction, and nobody says how
-- long before: a day stands for ever.

CREATE STREAM q20 AS
  SELECT
    B.auction AS auction,
    B.bidder AS bidder,
    B.price AS price,
    B.channel AS channel,
    B.url AS url,
    B.dateTime AS bid_dateTime,
    B.extra AS bid_extra,
    A.itemName AS itemName,
    A.description AS description,
    A.initialBid AS initialBid,
    A.reserve AS reserve,
    A.dateTime AS auction_dateTime,
    A.expires AS expires,
    A.seller AS seller,
    A.category AS category,
    A.extra AS auction_extra
  FROM bid B JOIN auction A WITHIN 1 DAY ON B.auction = A.id
  WHERE A.category = 10;

\wait
SELECT auction, bidder, price, channel, url, bid_dateTime, bid_extra, itemName, description, initialBid,
       reserve, auction_dateTime, expires, seller, category, auction_extra
FROM q20;
