-- The sequence of sealed orders, for each signing key: agents take none at or under the last they took.

-- +goose Up
CREATE TABLE order_sequence (
    signer TEXT   PRIMARY KEY, -- id of the key
    last   BIGINT NOT NULL
);

-- +goose Down
DROP TABLE order_sequence;
