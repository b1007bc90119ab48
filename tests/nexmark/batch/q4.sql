SELECT category, SUM(price) / COUNT(*) AS average
FROM (
  SELECT A.id, A.category, MAX(B.price) AS price
  FROM auction A, bid B
  WHERE A.id = B.auction AND B.dateTime BETWEEN A.dateTime AND A.expires
  GROUP BY A.id, A.category
) AS closing
GROUP BY category;
