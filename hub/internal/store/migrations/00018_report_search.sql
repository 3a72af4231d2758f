-- +goose Up
ALTER TABLE reports ADD COLUMN search TEXT NOT NULL DEFAULT '';        -- its words as library.fold writes them; '' until the hub has

-- +goose Down
ALTER TABLE reports DROP COLUMN search;
