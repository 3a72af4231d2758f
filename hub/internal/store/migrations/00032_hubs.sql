-- +goose Up
CREATE TABLE hub_trust (
    id     BIGINT PRIMARY KEY,          -- 1: there is one
    sha256 TEXT NOT NULL                -- of the first trust document: hubs of one database have one
);

-- +goose Down
DROP TABLE hub_trust;
