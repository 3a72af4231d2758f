package app

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/seal"
)

// chain is what an agent that pinned the first document makes of the hub's documents, and the newest's keys.
func chain(t *testing.T, data string) *seal.Trust {
	t.Helper()
	h, err := loadTrust(data, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	all, err := h.TrustsAfter(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := seal.PinTrust(all[0])
	if err != nil {
		t.Fatal(err)
	}
	newest, err := seal.AcceptTrusts(pinned, all[1:], time.Now())
	if err != nil {
		t.Fatalf("an agent does not follow: %v", err)
	}
	if len(all) > 2 {
		if _, err := seal.AcceptTrusts(pinned, all[2:], time.Now()); !errors.Is(err, seal.VersionSkipped) && !errors.Is(err, seal.Threshold) && !errors.Is(err, seal.KeyRole) {
			t.Errorf("an agent that skips a document: %v", err)
		}
	}
	return newest
}

// move takes the root key off the hub, as the alarm asks.
func move(t *testing.T, data string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "root")
	if err := os.Rename(filepath.Join(data, rootKeyFile), to); err != nil {
		t.Fatal(err)
	}
	return to
}

func roleKey(d seal.TrustDoc, role seal.Role) string { return d.Roles.Of(role).Keys[0] }

func TestRotateBesideAServingHub(t *testing.T) {
	data := t.TempDir()
	const agent = "01a20972-a42a-7d88-a076-8cfe699912a5"
	pairedAgent(t, data, agent, "xa-a")
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	r.json(admin, "POST", "areas", `{"code":"xa-a","name":"Xã A"}`).want(t, 201, "")
	r.awaitHead(agent)
	first := chain(t, data)
	root := move(t, data)
	plans := r.bus.Subscribe(bus.Plan)
	defer plans.Close()

	if code, _, errs := run(t, data, "", "trust", "rotate"); code != 1 || !strings.Contains(errs, "TRUST_ROOT_KEY") {
		t.Errorf("without the root key: %d %s", code, errs)
	}
	other := filepath.Join(t.TempDir(), "other")
	if k, err := seal.NewKey(); err != nil || seal.CreateKey(other, k) != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, data, "", "trust", "rotate", "--root-key", other); code != 1 || !strings.Contains(errs, "TRUST_ROOT_KEY") {
		t.Errorf("with another key: %d %s", code, errs)
	}
	if code, _, errs := run(t, data, "", "trust", "rotate", "--root-key", root, "--role", "root"); code != 1 || !strings.Contains(errs, "TRUST_ROLE_UNKNOWN") {
		t.Errorf("of no role: %d %s", code, errs)
	}
	if chain(t, data).Version() != 1 {
		t.Fatal("a refused rotation wrote a document")
	}
	code, out, errs := run(t, data, "", "trust", "rotate", "--root-key", root)
	if code != 0 || !strings.Contains(out, "trust document 2") {
		t.Fatalf("rotate: %d %s %s", code, out, errs)
	}
	second := chain(t, data)
	for _, role := range ownRoles() {
		if roleKey(first.Doc(), role) == roleKey(second.Doc(), role) {
			t.Errorf("the %s key is the old one", role)
		}
		files, err := keyFiles(data, role)
		if err != nil || len(files) != 1 {
			t.Errorf("key files of %s: %v", role, files)
			continue
		}
		if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", files[0], info, err)
		}
	}

	// The hub takes it up by itself: the next head opens under the second document, and only there.
	if got := next(t, plans); got != agent {
		t.Fatalf("a head for %s", got)
	}
	sealed, err := r.planner.Head(t.Context(), agent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Open(sealed.Envelope, seal.Planner, seal.TypePlanHead, seal.MaxPlanHead); err != nil {
		t.Errorf("the head after the rotation: %v", err)
	}
	if _, err := first.Open(sealed.Envelope, seal.Planner, seal.TypePlanHead, seal.MaxPlanHead); !errors.Is(err, seal.KeyRole) {
		t.Errorf("the head under the old document: %v", err)
	}
	envelope, err := r.trust.SignTime(t.Context(), agent, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.OpenTime(second, envelope, make([]byte, 32), agent); err != nil {
		t.Errorf("the time after the rotation: %v", err)
	}

	// A key that was stolen is revoked; the role gets another.
	stolen := roleKey(second.Doc(), seal.Urgent)
	if code, _, errs := run(t, data, "", "trust", "revoke", "ffffffff", "--root-key", root); code != 1 || !strings.Contains(errs, "TRUST_KEY_UNKNOWN") {
		t.Errorf("an unknown key: %d %s", code, errs)
	}
	if code, out, errs := run(t, data, "", "trust", "revoke", stolen[:16], "--root-key", root); code != 0 || !strings.Contains(out, "revoked  1 keys") {
		t.Fatalf("revoke: %d %s %s", code, out, errs)
	}
	third := chain(t, data)
	if !third.Revoked(stolen) || roleKey(third.Doc(), seal.Urgent) == stolen || roleKey(third.Doc(), seal.Planner) != roleKey(second.Doc(), seal.Planner) {
		t.Errorf("after the revocation: %+v", third.Doc())
	}
	// The root key itself is exchanged by both together.
	fresh := filepath.Join(t.TempDir(), "fresh")
	if code, _, errs := run(t, data, "", "trust", "rotate", "--root-key", root, "--new-root-key", fresh, "--role", "time"); code != 0 {
		t.Fatalf("exchange the root key: %s", errs)
	}
	fourth := chain(t, data)
	if code, _, errs := run(t, data, "", "trust", "rotate", "--root-key", root); code != 1 || !strings.Contains(errs, "TRUST_ROOT_KEY") {
		t.Errorf("with the old root key: %d %s", code, errs)
	}
	if fourth.Version() != 4 || !fourth.Revoked(stolen) {
		t.Errorf("version %d", fourth.Version())
	}
	if code, _, errs := run(t, data, "", "trust", "rotate", "--root-key", fresh); code != 0 {
		t.Errorf("with the new root key: %s", errs)
	}
	chain(t, data)

	entries, err := r.accounts.Log(t.Context(), 0, 50)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range entries {
		if strings.HasPrefix(e.Action, "trust.") {
			actions = append(actions, e.Action+" "+e.Subject)
		}
	}
	slices.Reverse(actions)
	if got := strings.Join(actions, ", "); got != "trust.rotate trust 2, trust.revoke trust 3, trust.rotate trust 4, trust.rotate trust 5" {
		t.Errorf("audit: %s", got)
	}
	r.stop()
	start(t, data) // and it starts again with what was left
}

func TestKeysFromSystemdCredentials(t *testing.T) {
	data := t.TempDir()
	if _, err := initTrust(data, time.Now); err != nil {
		t.Fatal(err)
	}
	credentials := t.TempDir()
	for _, role := range ownRoles() {
		to := filepath.Join(credentials, keyName(role))
		if err := os.Rename(filepath.Join(data, keyName(role)), to); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(to, 0o440); err != nil { // systemd grants the service's user by an ACL, which shows as the group's right
			t.Fatal(err)
		}
	}
	if _, err := loadTrust(data, time.Now); err == nil || !strings.Contains(err.Error(), "TRUST_KEY_MISSING") {
		t.Errorf("without credentials: %v", err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	if _, err := loadTrust(data, time.Now); err != nil {
		t.Errorf("with credentials: %v", err)
	}
}

func TestOfTwoRotationsAtOnceOneWins(t *testing.T) {
	data := t.TempDir()
	if _, err := initTrust(data, time.Now); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(data, trustFolder, "00000002.json")
	if err := createDurably(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := createDurably(path, []byte("second")); !errors.Is(err, errTrustRaced) {
		t.Errorf("the second: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "first" {
		t.Errorf("%s %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(data, trustFolder, "*.new")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
