-- +goose Up
ALTER TABLE areas ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';            -- JSON list: broadcasts are narrowed by them
ALTER TABLE areas ADD COLUMN holidays TEXT NOT NULL DEFAULT '[]';        -- JSON list of {day,name}: broadcasts may skip them
CREATE TABLE agent_tags (
    agent TEXT NOT NULL,
    tag   TEXT NOT NULL,
    PRIMARY KEY (agent, tag)
);

-- Days that were taken out of a repeating broadcast. They are of no version: an edit of the series leaves them.
CREATE TABLE broadcast_days_off (
    broadcast TEXT NOT NULL REFERENCES broadcasts (id),
    day       TEXT NOT NULL,
    by_id     TEXT NOT NULL,
    by_name   TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (broadcast, day)
);

-- +goose Down
DROP TABLE broadcast_days_off;
DROP TABLE agent_tags;
ALTER TABLE areas DROP COLUMN holidays;
ALTER TABLE areas DROP COLUMN tags;
