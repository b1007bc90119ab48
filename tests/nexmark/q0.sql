-- Every bid as it is: what reading and writing cost.

CREATE STREAM q0 AS SELECT auction, bidder, price, dateTime, extra FROM bid;

\wait
SELECT auction, bidder, price, dateTime, extra FROM q0;
