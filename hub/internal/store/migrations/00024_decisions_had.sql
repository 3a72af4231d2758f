-- +goose Up
ALTER TABLE decisions ADD COLUMN kind TEXT NOT NULL DEFAULT '';     -- of made
ALTER TABLE decisions ADD COLUMN had_at BIGINT NOT NULL DEFAULT 0;  -- when the hub learned that the agent has it, 0 for not yet
UPDATE decisions SET had_at = received_at;
UPDATE decisions SET kind = 'volume' WHERE made LIKE '{"kind":"volume"%';
CREATE INDEX decisions_waiting ON decisions (agent) WHERE had_at = 0;
CREATE INDEX decisions_volume ON decisions (agent) WHERE kind = 'volume';

-- +goose Down
DROP INDEX decisions_volume;
DROP INDEX decisions_waiting;
ALTER TABLE decisions DROP COLUMN had_at;
ALTER TABLE decisions DROP COLUMN kind;
