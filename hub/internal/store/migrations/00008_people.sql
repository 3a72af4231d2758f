-- +goose Up
ALTER TABLE people ADD COLUMN epoch BIGINT NOT NULL DEFAULT 1;          -- of sign-ins: sessions of an older one have ended
ALTER TABLE people ADD COLUMN totp_secret TEXT NOT NULL DEFAULT '';     -- base32; '' has no second factor
ALTER TABLE people ADD COLUMN totp_pending TEXT NOT NULL DEFAULT '';    -- shown to the person, not yet confirmed by a code
ALTER TABLE people ADD COLUMN totp_step BIGINT NOT NULL DEFAULT 0;      -- the last one used: none counts twice

CREATE TABLE recovery_codes (
    person TEXT NOT NULL REFERENCES people (id),
    hash   TEXT NOT NULL,                   -- SHA-256 of the code
    PRIMARY KEY (person, hash)
);

-- Who may set a password once: for a person, or, with person '', to make the first admin.
CREATE TABLE invitations (
    hash       TEXT PRIMARY KEY,            -- SHA-256 of the code
    person     TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX invitations_person ON invitations (person);

-- Failed sign-ins, by what they have in common; see accounts, throttle.
CREATE TABLE login_failures (
    subject    TEXT PRIMARY KEY,            -- kind and hash of a name, an address or both
    failures   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    trusted_at BIGINT NOT NULL              -- last success from there, 0 for none
);
CREATE INDEX login_failures_last ON login_failures (last_at);

ALTER TABLE tokens ADD COLUMN scope TEXT NOT NULL DEFAULT '';           -- actions, blanks between them; '' is all of the person's
CREATE INDEX tokens_person ON tokens (person);

-- The audit log is a chain from here on: what was in it before any release goes.
DROP TABLE audit;
CREATE TABLE audit (
    seq     BIGINT PRIMARY KEY,             -- 1, 2, 3, … without a gap
    at      BIGINT NOT NULL,
    who     TEXT NOT NULL,
    origin  TEXT NOT NULL,                  -- address it came from, 'console' for the command line
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    area    TEXT NOT NULL,
    before  TEXT NOT NULL,                  -- JSON, '' where there is none
    after   TEXT NOT NULL,
    hash    TEXT NOT NULL                   -- SHA-256 over the hash before and all of the above, see accounts.Entry
);

-- +goose Down
DROP TABLE audit;
CREATE TABLE audit (
    id      TEXT PRIMARY KEY,
    at      BIGINT NOT NULL,
    who     TEXT NOT NULL,
    origin  TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    area    TEXT NOT NULL,
    before  TEXT NOT NULL,
    after   TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
DROP INDEX tokens_person;
ALTER TABLE tokens DROP COLUMN scope;
DROP TABLE login_failures;
DROP TABLE invitations;
DROP TABLE recovery_codes;
ALTER TABLE people DROP COLUMN totp_step;
ALTER TABLE people DROP COLUMN totp_pending;
ALTER TABLE people DROP COLUMN totp_secret;
ALTER TABLE people DROP COLUMN epoch;
