-- Who sells in category 10 in three states. An auction may be there before its seller, and nobody says
-- how long before: a day stands for ever.

CREATE STREAM q3 AS
  SELECT A.seller AS seller, P.name AS name, P.city AS city, P.state AS state, A.id AS id
  FROM auction A JOIN person P WITHIN 1 DAY ON A.seller = P.id
  WHERE A.category = 10 AND P.state IN ('OR', 'ID', 'CA');

\wait
SELECT name, city, state, id FROM q3;
