-- The streams of Nexmark, over topics in JSON as `millstream datagen nexmark` makes them, or as
-- `millstream import` does out of files of JSON lines. The time of a record is its dateTime.

CREATE STREAM person (
  id BIGINT KEY,
  name STRING,
  emailAddress STRING,
  creditCard STRING,
  city STRING,
  state STRING,
  dateTime BIGINT,
  extra STRING
) WITH (KAFKA_TOPIC = 'person', PARTITIONS = 1, KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON');

CREATE STREAM auction (
  id BIGINT KEY,
  itemName STRING,
  description STRING,
  initialBid BIGINT,
  reserve BIGINT,
  dateTime BIGINT,
  expires BIGINT,
  seller BIGINT,
  category BIGINT,
  extra STRING
) WITH (KAFKA_TOPIC = 'auction', PARTITIONS = 1, KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON');

CREATE STREAM bid (
  auction BIGINT,
  bidder BIGINT,
  price BIGINT,
  channel STRING,
  url STRING,
  dateTime BIGINT,
  extra STRING
) WITH (KAFKA_TOPIC = 'bid', PARTITIONS = 1, KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON');
