package fleet

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"

	"github.com/uptrace/bun"
)

// askAtOnce is how many agents one statement looks for.
const askAtOnce = 128

// asked is a key that somebody proved, and whose it is; ID is "" when it is nobody's.
type asked struct {
	ID, Name, Area string
	State          State
	PublicKey      string // of the agent by now
	RevokedAt      int64
	Key            string // in hex
}

// ByKey gives the agent whose key it is, or a refusal: AGENT_UNKNOWN, AGENT_BLOCKED, AGENT_REVOKED. It is read anew for each
// connection, with those of the agents that come at the same time, unless memory cannot be wrong: a key that was revoked may
// let nobody in.
func (f *Fleet) ByKey(ctx context.Context, key ed25519.PublicKey) (id, name, area string, err error) {
	if id, name, area, known := f.admitted(key); known {
		return id, name, area, nil
	}
	row := asked{Key: hex.EncodeToString(key)}
	err = f.asked.Do(ctx, &row, f.readKeys)
	switch {
	case err != nil:
		return "", "", "", fmt.Errorf("read agent's key: %w", err)
	case row.ID == "":
		return "", "", "", errAgentUnknown()
	case row.RevokedAt != 0 || row.State == Revoked || row.PublicKey != row.Key:
		return "", "", "", errAgentRevoked()
	case row.State != Active:
		return "", "", "", errAgentBlocked()
	}
	return row.ID, row.Name, row.Area, nil
}

func (f *Fleet) readKeys(ctx context.Context, all []*asked) error {
	keys := make([]string, len(all))
	for i, a := range all {
		keys[i] = a.Key
	}
	var rows []asked
	err := f.o.DB.NewSelect().TableExpr("agent_keys AS k").Join("JOIN agents AS a ON a.id = k.agent").
		ColumnExpr("a.id, a.name, a.area, a.state, a.public_key, k.revoked_at, k.public_key AS key").
		Where("k.public_key IN (?)", bun.List(keys)).Scan(ctx, &rows)
	if err != nil {
		return err
	}
	whose := make(map[string]asked, len(rows))
	for _, row := range rows {
		whose[row.Key] = row
	}
	for _, a := range all { // one key may come on two connections
		if row, ok := whose[a.Key]; ok {
			*a = row
		}
	}
	return nil
}

// loadKeys fills keys from SQL.
func (f *Fleet) loadKeys(ctx context.Context) error {
	if !f.o.Alone {
		return nil
	}
	var rows []agentRow
	err := f.o.DB.NewSelect().TableExpr("agents AS a").Join("JOIN agent_keys AS k ON k.agent = a.id AND k.public_key = a.public_key").
		ColumnExpr("a.id, a.state, a.public_key").Where("a.state = ? AND k.revoked_at = 0", Active).Scan(ctx, &rows)
	for i := range rows {
		f.admit(&rows[i])
	}
	if err != nil {
		return fmt.Errorf("read agents' keys: %w", err)
	}
	return nil
}

// admit makes memory know, after SQL, that an agent may connect. It says yes alone: about all others, and about an agent that
// is being changed, and one of which it is not known how the change ended, SQL is asked.
func (f *Fleet) admit(row *agentRow) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.live[row.ID]
	key, err := hex.DecodeString(row.PublicKey)
	if l == nil || err != nil || row.State != Active || !f.o.Alone {
		return
	}
	l.admits = string(key)
	f.keys[l.admits] = row.ID
}

// askAgain has SQL asked about an agent, from before it is changed.
func (f *Fleet) askAgain(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.live[id]; l != nil {
		delete(f.keys, l.admits)
		l.admits = ""
	}
}

// admitted gives the agent whose key it is, where memory knows that it may connect.
func (f *Fleet) admitted(key ed25519.PublicKey) (id, name, area string, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id, known = f.keys[string(key)]; known {
		name, area = f.live[id].name, f.live[id].area
	}
	return id, name, area, known
}
