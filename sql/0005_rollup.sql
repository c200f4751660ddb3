-- The rollup store of --rollup postgresql://...: what was counted, kept between ticks. dagloop makes
-- it itself where it may; otherwise run this once, and grant SELECT, INSERT, UPDATE and DELETE on
-- both tables and USAGE on the schema. Dropping it costs time, never a figure. Idempotent.
CREATE SCHEMA IF NOT EXISTS dagloop;
CREATE TABLE IF NOT EXISTS dagloop.rollup_log (
  log text PRIMARY KEY,
  version bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS dagloop.rollup (
  log text NOT NULL,
  name text COLLATE "C" NOT NULL,
  checksum text NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (log, name)
);
