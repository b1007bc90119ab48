SELECT auction, bidder, price, channel, channel_id
FROM (
  SELECT *, CASE channel WHEN 'Apple' THEN '0' WHEN 'Google' THEN '1' WHEN 'Facebook' THEN '2' WHEN 'Baidu' THEN '3'
    ELSE NULLIF(SPLIT_PART(url, '&channel_id=', 2), '') END AS channel_id
  FROM bid
) AS known
WHERE channel_id IS NOT NULL;
