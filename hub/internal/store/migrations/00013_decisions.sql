-- +goose Up
CREATE TABLE decisions (
    id          TEXT PRIMARY KEY,
    agent       TEXT NOT NULL,
    area        TEXT NOT NULL,    -- of the agent when the decision was made
    made        TEXT NOT NULL,    -- JSON broadcast.Decision
    made_at     BIGINT NOT NULL,  -- by the agent's clock where it was made at the PC
    received_at BIGINT NOT NULL
);
CREATE INDEX decisions_agent ON decisions (agent, made_at);
CREATE INDEX decisions_made ON decisions (made_at);

-- +goose Down
DROP TABLE decisions;
