SELECT bid_day,
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
FROM (SELECT *, SUBSTR(CAST(TO_TIMESTAMP_MILLIS(dateTime) AS STRING), 1, 10) AS bid_day,
    CASE WHEN price < 10000 THEN bidder END AS bidder1,
    CASE WHEN price >= 10000 AND price < 1000000 THEN bidder END AS bidder2,
    CASE WHEN price >= 1000000 THEN bidder END AS bidder3,
    CASE WHEN price < 10000 THEN auction END AS auction1,
    CASE WHEN price >= 10000 AND price < 1000000 THEN auction END AS auction2,
    CASE WHEN price >= 1000000 THEN auction END AS auction3
  FROM bid) AS bids
GROUP BY bid_day;
