-- The average closing price of each category. A bid counts while its auction is open, so the auction is
-- always there first, and is looked up.

CREATE TABLE q4_auctions (id BIGINT PRIMARY KEY, dateTime BIGINT, expires BIGINT, category BIGINT)
  WITH (KAFKA_TOPIC = 'auction', KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON');

CREATE TABLE q4_closing AS
  SELECT A.id AS id, A.category AS category, MAX(B.price) AS price
  FROM bid B JOIN q4_auctions A ON B.auction = A.id
  WHERE B.dateTime BETWEEN A.dateTime AND A.expires
  GROUP BY A.id, A.category;

CREATE TABLE q4 AS
  SELECT category, SUM(price) / COUNT(*) AS average FROM q4_closing GROUP BY category;

\wait
SELECT category, average FROM q4;
