SELECT channel, bid_day, MAX(SUBSTR(bid_time, 12, 5)) AS bid_minute,
  COUNT(*) AS total_bids,
  COUNT(*) FILTER (WHERE price < 10000) AS rank1_bids,
  COUNT(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bids,
  COUNT(*) FILTER (WHERE price >= 1000000) AS rank3_bids,
  COUNT_DISTINCT(bidder) AS total_bidders,
  COUNT_DISTINCT(bidder1) AS rank1_bidders,
  COUNT_DISTINCT(bidder2) AS rank2_bidders,
  COUNT_DISTINCT(bidder3) AS rank3_bidders,
  COUNT_DISTINCT(auction) AS total_auctions,
  COUNT_DISTINCT(auction1) AS rank1_auctions,
  COUNT_DISTINCT(auction2) AS rank2_auctions,
  COUNT_DISTINCT(auction3) AS rank3_auctions
FROM (SELECT *, SUBSTR(bid_time, 1, 10) AS bid_day,
    CASE WHEN price < 10000 THEN bidder END AS bidder1,
    CASE WHEN price >= 10000 AND price < 1000000 THEN bidder END AS bidder2,
    CASE WHEN price >= 1000000 THEN bidder END AS bidder3,
    CASE WHEN price < 10000 THEN auction END AS auction1,
    CASE WHEN price >= 10000 AND price < 1000000 THEN auction END AS auction2,
    CASE WHEN price >= 1000000 THEN auction END AS auction3
      FROM (SELECT *, CAST(TO_TIMESTAMP_MILLIS(dateTime) AS STRING) AS bid_time FROM bid) AS timed) AS bids
GROUP BY channel, bid_day;
