-- The winning bid of each auction: the highest, of several the first. The bids of an auction come in
-- the order of their times.

CREATE TABLE q9_auctions (
  id BIGINT PRIMARY KEY,
  itemName STRING,
  description STRING,
  initialBid BIGINT,
  reserve BIGINT,
  dateTime BIGINT,
  expires BIGINT,
  seller BIGINT,
  category BIGINT,
  extra STRING
) WITH (KAFKA_TOPIC = 'auction', KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON');

CREATE TABLE q9_winning AS
  SELECT
    A.id AS id,
    TOPK(B.price, B.bidder, B.dateTime, B.extra, A.itemName, A.description, A.initialBid, A.reserve,
         A.dateTime, A.expires, A.seller, A.category, A.extra, 1)[1] AS bid
  FROM bid B JOIN q9_auctions A ON B.auction = A.id
  WHERE B.dateTime BETWEEN A.dateTime AND A.expires
  GROUP BY A.id;

CREATE TABLE q9 AS
  SELECT
    id,
    bid->`col3` AS itemName,
    bid->`col4` AS description,
    bid->`col5` AS initialBid,
    bid->`col6` AS reserve,
    bid->`col7` AS dateTime,
    bid->`col8` AS expires,
    bid->`col9` AS seller,
    bid->`col10` AS category,
    bid->`col11` AS extra,
    AS_VALUE(id) AS auction,
    bid->`col0` AS bidder,
    bid->`sort_col` AS price,
    bid->`col1` AS bid_dateTime,
    bid->`col2` AS bid_extra
  FROM q9_winning;

\wait
SELECT id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra,
       auction, bidder, price, bid_dateTime, bid_extra
FROM q9;
