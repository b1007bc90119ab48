-- The auctions with the most bids in each window of ten seconds, one every two seconds.

CREATE TABLE q5_counts AS
  SELECT auction, AS_VALUE(auction) AS id, WINDOWSTART AS starts, COUNT(*) AS num
  FROM bid WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 2 SECONDS, RETENTION 2 DAYS)
  GROUP BY auction;

-- Counts only grow, so that the greatest that there ever was is the greatest in the end.
CREATE STREAM q5_changes (id BIGINT, starts BIGINT, num BIGINT)
  WITH (KAFKA_TOPIC = 'Q5_COUNTS', KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON');

CREATE TABLE q5_latest AS
  SELECT id, starts, MAX(num) AS num FROM q5_changes GROUP BY id, starts;

CREATE TABLE q5_most AS
  SELECT starts, MAX(num) AS num FROM q5_changes GROUP BY starts;

CREATE TABLE q5 AS
  SELECT L.id AS auction, L.starts AS starts, L.num AS num
  FROM q5_latest L JOIN q5_most M ON L.starts = M.starts
  WHERE L.num >= M.num;

\wait
SELECT auction, num FROM q5;
