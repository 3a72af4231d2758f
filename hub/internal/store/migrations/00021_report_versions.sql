-- +goose Up
ALTER TABLE reports ADD COLUMN kind TEXT NOT NULL DEFAULT 'report';    -- report, programme
ALTER TABLE reports ADD COLUMN audio_version BIGINT NOT NULL DEFAULT 1; -- counts its audios
ALTER TABLE reports ADD COLUMN made TEXT NOT NULL DEFAULT '';          -- JSON library.Made: how its audio came to be; '' by its author's upload
ALTER TABLE reports ADD COLUMN master TEXT NOT NULL DEFAULT '';        -- blob: the whole of what was uploaded, before level and trim
ALTER TABLE reports ADD COLUMN pending TEXT NOT NULL DEFAULT '';       -- JSON library.Pending, the next audio while it is made
ALTER TABLE reports ADD COLUMN parts TEXT NOT NULL DEFAULT '';         -- JSON list of library.Part, of a programme
ALTER TABLE reports ADD COLUMN gap_ms BIGINT NOT NULL DEFAULT 0;       -- silence between parts
ALTER TABLE reports ADD COLUMN stale TEXT NOT NULL DEFAULT '';         -- JSON library.Stale, while a part is not what was heard
ALTER TABLE reports ADD COLUMN parts_from BIGINT NOT NULL DEFAULT 0;   -- validity of all parts together, 0: no limit
ALTER TABLE reports ADD COLUMN parts_until BIGINT NOT NULL DEFAULT 0;

CREATE TABLE report_versions (
    report   TEXT NOT NULL,
    n        BIGINT NOT NULL,
    sha256   TEXT NOT NULL,
    version  TEXT NOT NULL,                  -- JSON library.Version: evidence, never changed
    PRIMARY KEY (report, n)
);

ALTER TABLE ingest_jobs ADD COLUMN recipe TEXT NOT NULL DEFAULT '';    -- JSON ingest.Recipe, '' for an upload

-- +goose Down
ALTER TABLE ingest_jobs DROP COLUMN recipe;
DROP TABLE report_versions;
ALTER TABLE reports DROP COLUMN parts_until;
ALTER TABLE reports DROP COLUMN parts_from;
ALTER TABLE reports DROP COLUMN stale;
ALTER TABLE reports DROP COLUMN gap_ms;
ALTER TABLE reports DROP COLUMN parts;
ALTER TABLE reports DROP COLUMN pending;
ALTER TABLE reports DROP COLUMN master;
ALTER TABLE reports DROP COLUMN made;
ALTER TABLE reports DROP COLUMN audio_version;
ALTER TABLE reports DROP COLUMN kind;
