-- +goose Up

-- What areas were called: a row for each name that ended, by a new name or because the area became part of another.
CREATE TABLE past_areas (
    area     TEXT NOT NULL,              -- code; that of a merged area is never given again
    name     TEXT NOT NULL,
    until_at BIGINT NOT NULL,
    merged   TEXT NOT NULL,              -- code of the area it became a part of, '' for a new name
    PRIMARY KEY (area, until_at)
);

-- +goose Down
DROP TABLE past_areas;
