-- +goose Up
ALTER TABLE reports ADD COLUMN editor_id TEXT NOT NULL DEFAULT '';      -- who wrote this version, when not its author
ALTER TABLE reports ADD COLUMN editor_name TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE reports DROP COLUMN editor_name;
ALTER TABLE reports DROP COLUMN editor_id;
