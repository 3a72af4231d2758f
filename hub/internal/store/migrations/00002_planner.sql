-- +goose Up
CREATE TABLE areas (
    code       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    parent     TEXT REFERENCES areas (code),      -- NULL: at the top
    policy     TEXT NOT NULL,                     -- JSON broadcast.Policy
    dayparts   TEXT NOT NULL,                     -- JSON list of broadcast.Daypart
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX areas_parent ON areas (parent);

CREATE TABLE broadcasts (
    id             TEXT PRIMARY KEY,
    version        BIGINT NOT NULL,
    area           TEXT NOT NULL,                 -- who answers for it; '' is the whole tree
    title          TEXT NOT NULL,
    state          TEXT NOT NULL,                 -- draft | approved | cancelled
    spec           TEXT NOT NULL,                 -- JSON planner.Spec
    author_id      TEXT NOT NULL,
    author_name    TEXT NOT NULL,
    editor_id      TEXT NOT NULL,                 -- who wrote this version
    editor_name    TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    approved_id    TEXT NOT NULL,
    approved_name  TEXT NOT NULL,
    approved_at    BIGINT NOT NULL,
    cancelled_id   TEXT NOT NULL,
    cancelled_name TEXT NOT NULL,
    cancelled_at   BIGINT NOT NULL,
    last_at        BIGINT NOT NULL                -- nothing of it is after this instant; 0: no end
);
CREATE INDEX broadcasts_state ON broadcasts (state, last_at);

-- Every version that was ever approved: what could have been in a plan.
CREATE TABLE broadcast_versions (
    broadcast     TEXT NOT NULL REFERENCES broadcasts (id),
    version       BIGINT NOT NULL,
    spec          TEXT NOT NULL,
    editor_id     TEXT NOT NULL,
    editor_name   TEXT NOT NULL,
    approved_id   TEXT NOT NULL,
    approved_name TEXT NOT NULL,
    approved_at   BIGINT NOT NULL,
    PRIMARY KEY (broadcast, version)
);
CREATE TABLE broadcast_reports (
    report    TEXT NOT NULL,
    broadcast TEXT NOT NULL,
    version   BIGINT NOT NULL,
    PRIMARY KEY (report, broadcast, version)
);

CREATE TABLE plans (
    agent        TEXT PRIMARY KEY,
    reserved     BIGINT NOT NULL,                 -- highest version ever given to a sealing, never lowered
    version      BIGINT NOT NULL,                 -- of the envelope; 0: none yet
    content_hash TEXT NOT NULL,
    envelope     TEXT NOT NULL,
    sha256       TEXT NOT NULL,                   -- of the envelope
    issued_at    BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);

-- Day documents among the blobs, so that old ones can be cleared away.
CREATE TABLE parts (
    sha256  TEXT PRIMARY KEY,
    size    BIGINT NOT NULL,
    used_at BIGINT NOT NULL                       -- last sweep whose plans named it
);
CREATE INDEX parts_used ON parts (used_at);

-- +goose Down
DROP TABLE parts;
DROP TABLE plans;
DROP TABLE broadcast_reports;
DROP TABLE broadcast_versions;
DROP TABLE broadcasts;
DROP TABLE areas;
