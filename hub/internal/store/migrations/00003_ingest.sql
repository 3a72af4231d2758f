-- +goose Up
CREATE TABLE ingest_jobs (
    id         TEXT PRIMARY KEY,            -- UUIDv7, the upload's: names its folder
    report_id  TEXT NOT NULL,
    owner      TEXT NOT NULL,               -- the hub whose ingest folder holds the upload
    name       TEXT NOT NULL,               -- the file's name as sent, made harmless
    sha256     TEXT NOT NULL,               -- of the upload
    size       BIGINT NOT NULL,
    state      TEXT NOT NULL,               -- queued, done, failed, cancelled
    attempts   BIGINT NOT NULL,
    code       TEXT NOT NULL,               -- of the refusal, ''
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX ingest_jobs_open ON ingest_jobs (owner, state, created_at);
CREATE INDEX ingest_jobs_report ON ingest_jobs (report_id);

-- +goose Down
DROP TABLE ingest_jobs;
