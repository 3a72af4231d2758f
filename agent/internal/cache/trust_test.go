package cache

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
)

// next gives the trust document after the enemy's, which is its from then on.
func (e *enemy) next(change func(*seal.TrustDoc)) []byte {
	e.t.Helper()
	e.doc.Version++
	e.doc.Keys = maps.Clone(e.doc.Keys)
	change(&e.doc)
	trust, err := seal.NewTrust(e.doc, e.keys["root"])
	if err != nil {
		e.t.Fatal(err)
	}
	return trust.Envelope()
}

// replace puts a key into a role and revokes the one it had.
func (e *enemy) replace(d *seal.TrustDoc, role seal.Role, by string) {
	at := d.Roles.At(role)
	d.Revoked = append(d.Revoked, at.Keys...)
	d.Keys[e.keys[by].ID()] = e.keys[by].Public()
	at.Keys = []string{e.keys[by].ID()}
}

func (r *rig) offerTrust(envelopes ...[]byte) {
	r.t.Helper()
	if err := r.cache.OfferTrust(r.t.Context(), envelopes); err != nil {
		r.t.Fatal(err)
	}
}

func TestARevokedKeysHeadIsDroppedWhereTheRoleHasAreas(t *testing.T) {
	e := newEnemy(t)
	r := newRig(t, e.hub)
	r.offerTrust(e.next(func(d *seal.TrustDoc) { d.Roles.Planner.Areas = []string{"xa-1"} }))
	r.offer(e.head(func(d *broadcast.Head) { d.Area = "xa-1" }, e.report(chunk)))
	r.fetch(e.hub, 10)
	if r.cache.Plan() == nil {
		t.Fatal("there is no plan")
	}
	r.offerTrust(e.next(func(d *seal.TrustDoc) { e.replace(d, seal.Planner, "stranger") }))
	if r.cache.Plan() != nil {
		t.Error("the plan of a revoked key is in force")
	}
	r.close()
	r.open()
	if r.cache.Plan() != nil {
		t.Error("it is in force after a restart")
	}
}

// A thief of the urgent key is heard until the key is revoked, not until the next plan comes.
func TestARevokedKeysOrderEndsAtOnce(t *testing.T) {
	e := newEnemy(t)
	r := newRig(t, e.hub)
	it := e.report(chunk)
	r.offer(e.head(nil, it))
	r.fetch(e.hub, 10)
	order := seal.Order{Key: e.keys["urgent"].ID(), Sequence: 1, IssuedAt: now, Expires: now.Add(time.Minute), Kind: seal.OrderLive,
		Audience: seal.OrderAudience{Agents: []string{"agent"}}, Body: e.marshal(flood("false", "live", it))}
	if code := r.order(e.seal(seal.TypeOrder, e.marshal(order), "urgent")); code != "" {
		t.Fatal(code)
	}
	told := r.cache.SubscribePlan()
	r.offerTrust(e.next(func(d *seal.TrustDoc) { e.replace(d, seal.Urgent, "stranger") }))
	if got := r.bulletins(); got != "" {
		t.Errorf("in force: %s", got)
	}
	select {
	case <-told:
	default:
		t.Error("the scheduler was not told")
	}
	r.kill()
	r.open()
	if got := r.bulletins(); got != "" {
		t.Errorf("after a restart: %s", got)
	}
}

// A hardware clock that stood still while the PC was off is plausible, and before a rotation that came meanwhile. The hub's
// time, which would put it right, is signed by a key that only the new document names.
func TestARotationReachesAClockThatIsBehind(t *testing.T) {
	e := newEnemy(t)
	r := newRig(t, e.hub)
	r.cache.o.Trusted = func() time.Time { return now.Add(-10 * 24 * time.Hour) }
	verified := time.Time{}
	r.cache.o.Verified = func(issued time.Time) { verified = issued }
	rotated := e.next(func(d *seal.TrustDoc) { e.replace(d, seal.Time, "stranger") })
	nonce := make([]byte, 32)
	answer, err := seal.SealTime(seal.SignedTime{Nonce: nonce, Time: now, Agent: "agent"}, e.keys["stranger"])
	if err != nil {
		t.Fatal(err)
	}
	synced := true
	r.cache.o.Synced = func() bool { return synced }
	if err := r.cache.OfferTrust(t.Context(), [][]byte{rotated}); seal.CodeOf(err) != seal.FromFuture {
		t.Errorf("by a clock that goes by the hub's time: %v", err)
	}
	synced = false
	r.offerTrust(rotated)
	if at, err := seal.OpenTime(r.cache.Trust(), answer, nonce, "agent"); err != nil || !at.Equal(now) {
		t.Errorf("the hub's time: %v, %v", at, err)
	}
	if !verified.IsZero() {
		t.Errorf("the document moved the clock to %v", verified)
	}
}

// Whoever puts an older trust document back, and has a key that was good then, gets no other successor accepted.
func TestOnlyTheTrustDocumentOfBeforeFollowsAnOlderOne(t *testing.T) {
	e := newEnemy(t)
	r := newRig(t, e.hub)
	first, before := e.trust.Envelope(), e.doc
	second := e.next(func(d *seal.TrustDoc) { e.replace(d, seal.Urgent, "stranger") })
	r.offerTrust(second)
	r.close()
	if err := os.WriteFile(filepath.Join(r.dir, trustFile), first, 0o600); err != nil {
		t.Fatal(err)
	}
	r.open()
	e.doc = before
	other := e.next(func(d *seal.TrustDoc) { e.replace(d, seal.Planner, "next root") })
	if err := r.cache.OfferTrust(t.Context(), [][]byte{other}); seal.CodeOf(err) != seal.VersionReused || r.cache.Trust().Version() != 1 {
		t.Errorf("another second document: %v, version %d", err, r.cache.Trust().Version())
	}
	r.offerTrust(second)
	if v := r.cache.Trust().Version(); v != 2 {
		t.Errorf("the second document again: version %d", v)
	}
}
