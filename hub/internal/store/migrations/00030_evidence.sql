-- +goose Up

-- Sums of plays and unheard by half months of the fleet's zone, kept in the same transactions; see evidence, sums.
CREATE TABLE play_sums (
    half       BIGINT NOT NULL,          -- 2026111: of November 2026 the first 14 days, 2026112: the rest
    area       TEXT NOT NULL,
    report     TEXT NOT NULL,
    class      TEXT NOT NULL,
    outcome    TEXT NOT NULL,            -- played | cut | skipped | unknown
    reason     TEXT NOT NULL,
    plays      BIGINT NOT NULL,
    planned_ms BIGINT NOT NULL,
    heard_ms   BIGINT NOT NULL,
    PRIMARY KEY (half, area, report, class, outcome, reason)
);

-- What was planned and of which no record came a day after it should have ended. A record that comes later ends its row.
CREATE TABLE unheard (
    agent         TEXT NOT NULL,
    slot          TEXT NOT NULL,
    area          TEXT NOT NULL,
    broadcast     TEXT NOT NULL,
    report        TEXT NOT NULL,
    title         TEXT NOT NULL,
    class         TEXT NOT NULL,
    planned_start BIGINT NOT NULL,
    planned_end   BIGINT NOT NULL,
    PRIMARY KEY (agent, slot)
);
CREATE INDEX unheard_planned ON unheard (planned_start);

CREATE TABLE evidence_state (
    name  TEXT PRIMARY KEY,              -- zone: of the half months | settled: last date whose unheard slots are written
    value TEXT NOT NULL
);

-- +goose Down
DROP TABLE evidence_state;
DROP TABLE unheard;
DROP TABLE play_sums;
