-- +goose Up
CREATE TABLE bulletins (
    id             TEXT PRIMARY KEY,
    kind           TEXT NOT NULL,                 -- live | drill
    title          TEXT NOT NULL,
    area           TEXT NOT NULL,                 -- lowest that holds all targets; '' is the whole tree
    spec           TEXT NOT NULL,                 -- JSON orders.content: items, targets, repeat
    state          TEXT NOT NULL,                 -- draft | approved | cancelled
    until_at       BIGINT NOT NULL,
    leaves_at      BIGINT NOT NULL,               -- from then on no plan has it
    author_id      TEXT NOT NULL,
    author_name    TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    approved_id    TEXT NOT NULL,
    approved_name  TEXT NOT NULL,
    approved_at    BIGINT NOT NULL,               -- issued at
    cancelled_id   TEXT NOT NULL,
    cancelled_name TEXT NOT NULL,
    cancelled_at   BIGINT NOT NULL,
    cancelled_why  TEXT NOT NULL
);
CREATE INDEX bulletins_state ON bulletins (state, leaves_at);

-- +goose Down
DROP TABLE bulletins;
