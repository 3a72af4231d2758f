-- +goose Up
CREATE TABLE people (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL,
    area          TEXT NOT NULL,            -- '' is the whole tree
    password_hash TEXT NOT NULL,
    disabled      BOOLEAN NOT NULL DEFAULT FALSE,
    created_at    BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,            -- SHA-256 of the cookie's value
    data       TEXT NOT NULL,               -- base64
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE tokens (
    id         TEXT PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES people (id),
    label      TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,        -- SHA-256 of the token
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL              -- 0: no end
);

CREATE TABLE audit (
    id      TEXT PRIMARY KEY,               -- UUIDv7: sorts by time
    at      BIGINT NOT NULL,
    who     TEXT NOT NULL,
    origin  TEXT NOT NULL,                  -- address it came from, 'console' for the command line
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    area    TEXT NOT NULL,
    before  TEXT NOT NULL,                  -- JSON, '' where there is none
    after   TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);

-- +goose Down
DROP TABLE audit;
DROP TABLE tokens;
DROP TABLE sessions;
DROP TABLE people;
