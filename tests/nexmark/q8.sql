-- Persons who sell something within the ten seconds in which they register.

CREATE TABLE q8 AS
  SELECT P.id AS id, P.name AS name, COUNT(*) AS auctions
  FROM person P JOIN auction A WITHIN 10 SECONDS ON P.id = A.seller
  WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 2 DAYS)
  WHERE P.dateTime / 10000 = A.dateTime / 10000
  GROUP BY P.id, P.name;

\wait
SELECT id, name, WINDOWSTART FROM q8;
