-- +goose Up
CREATE TABLE plays (
    id            TEXT PRIMARY KEY,          -- UUIDv7, made by the agent: a record sent twice is stored once
    agent         TEXT NOT NULL,
    area          TEXT NOT NULL,             -- the agent's area when the record came in
    slot          TEXT NOT NULL,
    broadcast     TEXT NOT NULL,
    version       BIGINT NOT NULL,
    report        TEXT NOT NULL,
    title         TEXT NOT NULL,
    class         TEXT NOT NULL,
    audio         TEXT NOT NULL,
    planned_start BIGINT NOT NULL,
    planned_end   BIGINT NOT NULL,
    started_at    BIGINT NOT NULL,           -- 0: it never sounded
    ended_at      BIGINT NOT NULL,
    outcome       TEXT NOT NULL,
    reason        TEXT NOT NULL,
    volume        BIGINT NOT NULL,
    reached_ms    BIGINT NOT NULL,
    missed_ms     BIGINT NOT NULL,
    segments      TEXT NOT NULL,             -- JSON
    clock         TEXT NOT NULL,
    received_at   BIGINT NOT NULL
);
CREATE INDEX plays_planned ON plays (planned_start, id);
CREATE INDEX plays_agent ON plays (agent, planned_start);
CREATE INDEX plays_report ON plays (report, planned_start);
CREATE INDEX plays_slot ON plays (agent, slot);

-- +goose Down
DROP TABLE plays;
