-- +goose Up
CREATE TABLE alarms (
    id             TEXT PRIMARY KEY,
    alarm_key      TEXT NOT NULL,   -- what it is about; one open alarm has it
    kind           TEXT NOT NULL,
    area           TEXT NOT NULL,   -- '' for the hub's own
    agent          TEXT NOT NULL,   -- '' for an area's, and the hub's own
    name           TEXT NOT NULL,   -- of the cluster
    detail         TEXT NOT NULL,
    clusters       BIGINT NOT NULL, -- how many have it now
    clusters_of    BIGINT NOT NULL, -- of how many of the area
    since          BIGINT NOT NULL, -- when it began, 0 when not known
    ends           BIGINT NOT NULL, -- when it is too late, 0 for never
    raised_at      BIGINT NOT NULL,
    resolved_at    BIGINT NOT NULL, -- 0 while it is open
    replaced       BOOLEAN NOT NULL, -- resolved because another tells it
    acked_at       BIGINT NOT NULL,
    acked_by       TEXT NOT NULL,
    silenced_until BIGINT NOT NULL,
    silenced_by    TEXT NOT NULL,
    told           BIGINT NOT NULL, -- how often
    told_at        BIGINT NOT NULL,
    end_told       BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX alarms_open ON alarms (alarm_key) WHERE resolved_at = 0;
CREATE INDEX alarms_raised ON alarms (raised_at);
CREATE TABLE alarm_notices (
    id         TEXT PRIMARY KEY,
    channel    TEXT NOT NULL,   -- mail | webhook
    say        TEXT NOT NULL,   -- raised | reminder | resolved
    alarm      TEXT NOT NULL,   -- JSON alarms.Alarm as it was
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL, -- of the next attempt; 0 when it is over
    attempts   BIGINT NOT NULL,
    sent_at    BIGINT NOT NULL, -- 0 while it is not
    error      TEXT NOT NULL    -- of the last attempt
);
CREATE INDEX alarm_notices_next ON alarm_notices (next_at);

-- +goose Down
DROP TABLE alarm_notices;
DROP TABLE alarms;
