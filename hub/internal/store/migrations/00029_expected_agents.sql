-- +goose Up
CREATE TABLE expected_agents (
    id         TEXT PRIMARY KEY,
    area       TEXT NOT NULL,
    name       TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (area, name)
);

-- +goose Down
DROP TABLE expected_agents;
