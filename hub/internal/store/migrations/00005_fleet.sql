-- Agents, their keys, what they hold, and pairings. Times are unix milliseconds, 0 for none.

-- +goose Up
CREATE TABLE agents (
    id           TEXT   PRIMARY KEY,
    name         TEXT   NOT NULL,
    area         TEXT   NOT NULL, -- code of the area
    state        TEXT   NOT NULL, -- active, blocked, revoked
    public_key   TEXT   NOT NULL, -- hex of the Ed25519 key that may connect; also in agent_keys
    created_at   BIGINT NOT NULL,
    software     TEXT   NOT NULL DEFAULT '',
    os           TEXT   NOT NULL DEFAULT '',
    last_seen    BIGINT NOT NULL DEFAULT 0,
    plan_version BIGINT NOT NULL DEFAULT 0, -- newest head it acknowledged
    plan_state   TEXT   NOT NULL DEFAULT '',
    plan_code    TEXT   NOT NULL DEFAULT '',
    status       TEXT   NOT NULL DEFAULT '', -- JSON of the last broadcast.Status
    status_at    BIGINT NOT NULL DEFAULT 0
);

-- One cluster of a name in an area: pairing it again gives it a new key, not a twin.
CREATE UNIQUE INDEX agents_place ON agents (area, name);

-- Every key an agent ever had, so that an old one is recognised and refused by its own reason.
CREATE TABLE agent_keys (
    public_key TEXT   PRIMARY KEY,
    agent      TEXT   NOT NULL REFERENCES agents (id),
    created_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX agent_keys_agent ON agent_keys (agent);

-- What an agent held when the hub last heard it: the hashes of whole blobs only, as one JSON list. The agent
-- tells everything anew at each connection; this is for the time between a hub's restart and that.
CREATE TABLE agent_holdings (
    agent      TEXT   PRIMARY KEY REFERENCES agents (id),
    whole      TEXT   NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE pairings (
    id         TEXT    PRIMARY KEY,
    area       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    state      TEXT    NOT NULL, -- waiting, answered, confirmed, dead
    code       TEXT    NOT NULL, -- emptied as soon as it is not waited for any more
    words      TEXT    NOT NULL DEFAULT '',
    agent      TEXT    NOT NULL DEFAULT '',
    dead       TEXT    NOT NULL DEFAULT '', -- why
    tries      INTEGER NOT NULL,            -- wrong codes it still stands
    created_by TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);

CREATE INDEX pairings_open ON pairings (state, expires_at);

-- +goose Down
DROP TABLE pairings;
DROP TABLE agent_holdings;
DROP TABLE agent_keys;
DROP TABLE agents;
