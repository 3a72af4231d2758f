-- +goose Up
ALTER TABLE ingest_jobs ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0; -- until then a queued job is its owner's, by the database's clock
DROP INDEX ingest_jobs_open;
CREATE INDEX ingest_jobs_open ON ingest_jobs (state, created_at);
CREATE TABLE report_uploads (
    upload TEXT PRIMARY KEY,            -- id of an upload
    report TEXT NOT NULL                -- that it became, or became the audio of, whichever hub made it so
);
CREATE TABLE hubs (
    hub   TEXT PRIMARY KEY,             -- id of a hub that serves with others
    news  BIGINT NOT NULL,              -- number of what it last told the others, which the bus may have lost
    facts TEXT NOT NULL,                -- JSON of what alarms look at of it
    at    BIGINT NOT NULL               -- when it wrote that, by the database's clock
);
CREATE TABLE hub_duties (
    duty  TEXT PRIMARY KEY,             -- what one hub does for all
    hub   TEXT NOT NULL,
    until BIGINT NOT NULL               -- by the database's clock, if it is not renewed
);

-- +goose Down
DROP TABLE hub_duties;
DROP TABLE hubs;
DROP TABLE report_uploads;
DROP INDEX ingest_jobs_open;
ALTER TABLE ingest_jobs DROP COLUMN lease_until;
CREATE INDEX ingest_jobs_open ON ingest_jobs (owner, state, created_at);
