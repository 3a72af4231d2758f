-- +goose Up
ALTER TABLE broadcasts ADD COLUMN returned TEXT NOT NULL DEFAULT '';     -- JSON {by,at,words} while its author has it back
ALTER TABLE reports ADD COLUMN returned TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN approved_meta TEXT NOT NULL DEFAULT '';   -- JSON library.Meta as it was last approved

-- +goose Down
ALTER TABLE reports DROP COLUMN approved_meta;
ALTER TABLE reports DROP COLUMN returned;
ALTER TABLE broadcasts DROP COLUMN returned;
