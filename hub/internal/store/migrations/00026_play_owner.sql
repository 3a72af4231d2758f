-- +goose Up
ALTER TABLE plays ADD COLUMN owner TEXT NOT NULL DEFAULT ''; -- commune: an item of its own; '' for the hub's

-- +goose Down
ALTER TABLE plays DROP COLUMN owner;
