-- +goose Up
CREATE TABLE reports (
    id              TEXT PRIMARY KEY,
    version         BIGINT NOT NULL,              -- raised by every change a person makes
    area            TEXT NOT NULL,
    title           TEXT NOT NULL,
    series          TEXT NOT NULL,
    source          TEXT NOT NULL,
    language        TEXT NOT NULL,
    law_title       TEXT NOT NULL,
    law_number      TEXT NOT NULL,
    law_field       TEXT NOT NULL,
    valid_from      BIGINT NOT NULL,              -- 0: no limit
    valid_until     BIGINT NOT NULL,
    author_id       TEXT NOT NULL,
    author_name     TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    state           TEXT NOT NULL,
    progress        BIGINT NOT NULL,              -- percent
    stage           TEXT NOT NULL,
    error           TEXT NOT NULL,                -- JSON {code,vi,en}, '' when there is none
    sha256          TEXT NOT NULL,                -- of the distribution file
    manifest        TEXT NOT NULL,
    size            BIGINT NOT NULL,
    duration_ms     BIGINT NOT NULL,
    loudness_lufs   DOUBLE PRECISION NOT NULL,
    true_peak_dbtp  DOUBLE PRECISION NOT NULL,
    peaks           TEXT NOT NULL,                -- blob of the waveform's peaks
    warnings        TEXT NOT NULL,                -- JSON list of stable words
    source_sha256   TEXT NOT NULL,
    source_name     TEXT NOT NULL,
    making          TEXT NOT NULL,                -- JSON library.Making
    approved_id     TEXT NOT NULL,
    approved_name   TEXT NOT NULL,
    approved_at     BIGINT NOT NULL,
    approved_sha256 TEXT NOT NULL,                -- an approval holds for this audio only
    withdrawn_id    TEXT NOT NULL,
    withdrawn_name  TEXT NOT NULL,
    withdrawn_at    BIGINT NOT NULL,
    withdrawn_why   TEXT NOT NULL
);
CREATE INDEX reports_area ON reports (area);
CREATE INDEX reports_state ON reports (state);
CREATE INDEX reports_withdrawn ON reports (withdrawn_at);

-- +goose Down
DROP TABLE reports;
