package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/alarms"
	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/orders"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Where a person's area lies, seen from commune xa-a, which everything in the matrix belongs to.
func places5() map[string]string {
	return map[string]string{"whole": "", "above": "tinh", "own": "xa-a", "below": "thon-a", "beside": "xa-b"}
}

// row says who may do an operation, in words that are not those of the table it is checked against.
type row struct {
	roles  string // of those who may; "all", "everybody" without signing in too, "self" for everybody about themselves
	places string // where they must be; "" when the operation is about no area
	ask    string // method, path and body; names in braces are of things in xa-a
	shows  string // of a list: everybody with the role gets it, those in places with this in it
}

const (
	over     = "whole above own"       // answers for xa-a
	readers  = "whole above own below" // may read what xa-a has: what an area above has is made for them too
	deciders = "admin officer"
	communes = "admin officer operator"
)

// matrix has a row for every operation.
func matrix() map[string]row {
	spec := `{"title":"Luật","class":"normal","items":[{"report":"{approved}"}],"when":{"at":"{day}T06:00:00"},"targets":{"areas":["xa-a"]}}`
	bulletin := `{"kind":"live","items":[{"report":"{approved}"}],"targets":{"areas":["xa-a"]}}`
	return map[string]row{
		"login":  {roles: "everybody", ask: `POST login {"name":"nobody","password":"x"}`},
		"setup":  {roles: "everybody", ask: `POST setup {"code":"x","password":"x"}`},
		"logout": {roles: "all", ask: `POST logout`},
		"me":     {roles: "all", ask: `GET me`},

		"change-password": {roles: "self", ask: `POST me/password {"password":"x","new":"một câu dài"}`},
		"enrol-otp":       {roles: "self", ask: `POST me/otp {"password":"x"}`},
		"confirm-otp":     {roles: "self", ask: `POST me/otp/confirm {"otp":"000000"}`},
		"remove-otp":      {roles: "self", ask: `POST me/otp/remove {"password":"x"}`},
		"renew-recovery":  {roles: "self", ask: `POST me/otp/recovery {"password":"x"}`},
		"create-token":    {roles: "self", ask: `POST tokens {"label":"x"}`},
		"list-tokens":     {roles: "self", ask: `GET tokens`},
		"revoke-token":    {roles: "self", ask: `DELETE tokens/{nothing}`},

		"list-people":   {roles: "admin", places: over, ask: `GET people`, shows: `"id":"{person}"`},
		"get-person":    {roles: "admin", places: over, ask: `GET people/{person}`},
		"invite-person": {roles: "admin", places: over, ask: `POST people {"name":"new-{n}","role":"viewer","area":"xa-a"}`},
		"edit-person":   {roles: "admin", places: over, ask: `PATCH people/{person} {"disabled":false}`},
		"reset-person":  {roles: "admin", places: over, ask: `POST people/{person}/reset`},

		"list-areas":  {roles: "all", places: over, ask: `GET areas`, shows: `"code":"xa-a"`},
		"get-area":    {roles: "all", places: over, ask: `GET areas/xa-a`},
		"create-area": {roles: "admin", places: over, ask: `POST areas {"code":"new-{n}","name":"Thôn","parent":"xa-a"}`},
		"edit-area":   {roles: "admin", places: over, ask: `PATCH areas/xa-a {"name":"Xã A"}`},
		"merge-area":  {roles: "admin", places: over, ask: `POST areas/xa-a/merge {"into":"xa-a"}`}, // into itself: refused, whoever asks

		"create-pairing":  {roles: "admin", places: over, ask: `POST pairings {"area":"xa-a","name":"Cụm {n}"}`},
		"get-pairing":     {roles: "admin", places: over, ask: `GET pairings/{pairing}`},
		"confirm-pairing": {roles: "admin", places: over, ask: `POST pairings/{pairing}/confirm {"words":"x"}`},

		"list-expected":   {roles: "admin", places: over, ask: `GET pairings/expected`, shows: `"name":"Cụm sắp tới"`},
		"expect-agents":   {roles: "admin", places: over, ask: `POST pairings/expected {"items":[{"area":"xa-a","name":"Cụm {n}"}]}`},
		"forget-expected": {roles: "admin", ask: `DELETE pairings/expected/{nothing}`}, // another's is left as it is

		"list-agents": {roles: "all", places: over, ask: `GET agents`, shows: `"id":"{agent}"`},
		"get-agent":   {roles: "all", places: over, ask: `GET agents/{agent}`},
		"fleet":       {roles: "all", places: over, ask: `GET fleet`, shows: `"id":"{agent}"`},
		"why-agent":   {roles: "all", places: over, ask: `GET agents/{agent}/why`},

		"command-agent": {roles: "admin", places: over, ask: `POST agents/{agent}/commands {"do":"tone"}`},

		"list-alarms":   {roles: "all", places: over, ask: `GET alarms`, shows: `"id":"{alarm}"`},
		"ack-alarm":     {roles: "admin", places: over, ask: `POST alarms/{alarm}/ack`},
		"silence-alarm": {roles: "admin", places: over, ask: `POST alarms/{alarm}/silence {"hours":1}`},

		"block-agent":    {roles: "admin", places: over, ask: `POST agents/{blocked}/block`},
		"unblock-agent":  {roles: "admin", places: over, ask: `POST agents/{blocked}/unblock`},
		"revoke-agent":   {roles: "admin", places: over, ask: `POST agents/{blocked}/revoke`},
		"get-desk":       {roles: "all", places: over, ask: `GET agents/{agent}/desk`},
		"list-decisions": {roles: "all", places: over, ask: `GET agents/{agent}/decisions`},
		"list-own-items": {roles: "all", places: over, ask: `GET own-items`, shows: `"agent":"{agent}"`},
		"decide":         {roles: "admin officer operator", places: over, ask: `POST agents/{agent}/decisions {"kind":"mute","reason":"x"}`},

		"put-dayparts": {roles: communes, places: over, ask: `PUT areas/xa-a/dayparts {"dayparts":[]}`},
		"create-own":   {roles: communes, places: over, ask: `POST areas/xa-a/own {"title":"x","report":"{approved}","daypart":"sáng","date":"{day}"}`},
		"list-own":     {roles: "all", places: over, ask: `GET areas/xa-a/own`},
		"cancel-own":   {roles: communes, places: over, ask: `POST areas/xa-a/own/{broadcast}/cancel`},

		"create-report":   {roles: communes, places: over, ask: `POST reports multipart`},
		"begin-upload":    {roles: communes, places: over, ask: `POST uploads tus`},
		"find-upload":     {roles: communes, ask: `HEAD uploads/{nothing}`}, // another's is not found, wherever it is
		"continue-upload": {roles: communes, ask: `PATCH uploads/{nothing} tus`},
		"drop-upload":     {roles: communes, ask: `DELETE uploads/{nothing}`},
		"list-reports":    {roles: "all", places: readers, ask: `GET reports`, shows: `"id":"{report}"`},
		"get-report":      {roles: "all", places: readers, ask: `GET reports/{report}`},
		"get-peaks":       {roles: "all", places: readers, ask: `GET reports/{approved}/peaks`},
		"get-audio":       {roles: "all", places: readers, ask: `GET reports/{approved}/audio`},
		"edit-report":     {roles: deciders, places: over, ask: `PATCH reports/{report} {"title":"Luật"}`},
		"approve-report":  {roles: deciders, places: over, ask: `POST reports/{report}/approve`},
		"return-report":   {roles: deciders, places: over, ask: `POST reports/{report}/return {"words":"x"}`},
		"withdraw-report": {roles: deciders, places: over, ask: `POST reports/{withdrawn}/withdraw {"reason":"x"}`},
		"list-versions":   {roles: "all", places: readers, ask: `GET reports/{report}/versions`},
		"trim-report":     {roles: deciders, places: over, ask: `POST reports/{report}/trim {"from_ms":1,"to_ms":2}`},

		"report-programmes":   {roles: "all", places: readers, ask: `GET reports/{report}/programmes`},
		"create-programme":    {roles: deciders, places: over, ask: `POST programmes {"title":"Bản tin","area":"xa-a","items":["{report}"]}`},
		"rearrange-programme": {roles: deciders, places: over, ask: `PUT programmes/{report}/parts {"items":["{report}"]}`},

		"report-choices": {roles: "all", ask: `GET reports/choices`},
		"list-languages": {roles: "all", ask: `GET languages`},
		"set-language":   {roles: "admin", places: "whole", ask: `PUT languages/sxq {"vi":"Tiếng Sán Dìu","en":"San Diu"}`},
		"report-reach":   {roles: "all", places: readers, ask: `GET reports/{report}/reach`},

		"create-broadcast":   {roles: deciders, places: over, ask: `POST broadcasts ` + spec},
		"list-broadcasts":    {roles: "all", places: readers, ask: `GET broadcasts`, shows: `"id":"{broadcast}"`},
		"get-broadcast":      {roles: "all", places: readers, ask: `GET broadcasts/{broadcast}`},
		"edit-broadcast":     {roles: deciders, places: over, ask: `PATCH broadcasts/{broadcast} {"title":"Luật"}`},
		"approve-broadcast":  {roles: deciders, places: over, ask: `POST broadcasts/{broadcast}/approve`},
		"return-broadcast":   {roles: deciders, places: over, ask: `POST broadcasts/{broadcast}/return {"words":"x"}`},
		"approved-broadcast": {roles: "all", places: readers, ask: `GET broadcasts/{broadcast}/approved`},
		"leave-day":          {roles: deciders, places: over, ask: `PUT broadcasts/{broadcast}/days-off/{day}`},
		"restore-day":        {roles: deciders, places: over, ask: `DELETE broadcasts/{broadcast}/days-off/{day}`},
		"list-tags":          {roles: "all", ask: `GET tags`},
		"tag-agent":          {roles: "admin", places: over, ask: `PUT agents/{agent}/tags {"tags":["biên giới"]}`},
		"cancel-broadcast":   {roles: deciders, places: over, ask: `POST broadcasts/{cancelled}/cancel`},
		"preview-broadcast":  {roles: "all", places: readers, ask: `GET broadcasts/{broadcast}/preview`},

		"preview-draft": {roles: deciders, places: over, ask: `POST broadcasts/preview ` + spec},
		"calendar":      {roles: "all", places: over, ask: `GET calendar?area=xa-a&from={day}&to={day}`},
		"readiness":     {roles: "all", places: over, ask: `GET readiness?area=xa-a`},

		"create-urgent":  {roles: deciders, places: over, ask: `POST urgent ` + bulletin},
		"list-urgent":    {roles: "all", places: readers, ask: `GET urgent`, shows: `"id":"{urgent}"`},
		"reach-urgent":   {roles: "all", places: readers, ask: `GET urgent/{urgent}/reach`},
		"get-urgent":     {roles: "all", places: readers, ask: `GET urgent/{urgent}`},
		"approve-urgent": {roles: deciders, places: over, ask: `POST urgent/{urgent}/approve`},
		"cancel-urgent":  {roles: deciders, places: over, ask: `POST urgent/{revoked}/cancel`},

		"list-plays":      {roles: "all", places: over, ask: `GET plays`, shows: `"id":"{play}"`},
		"export-plays":    {roles: "all", places: over, ask: `GET plays/export`, shows: `a-play`},
		"evidence":        {roles: "all", places: over, ask: `GET evidence?from={day0}&to={day}T00:00:00&by=area&level=each`, shows: `"key":"xa-a"`},
		"export-evidence": {roles: "all", places: over, ask: `GET evidence/export?from={day0}&to={day}T00:00:00&by=area&level=each`, shows: `Xã A`},

		"events":       {roles: "all", places: over, ask: `GET events`, shows: `"id":"an event"`},
		"verify-audit": {roles: "admin", ask: `GET audit/verify`},
		"system":       {roles: "admin", ask: `GET system`},
		"list-audit":   {roles: "admin", places: over, ask: `GET audit?limit=200`, shows: `"subject":"a line"`},
	}
}

// plainRoutes are answered to everybody: health, numbers, the page of an invitation, and that there is nothing.
func plainRoutes() []string {
	return []string{"/", "/api/v1/", "GET /livez", "GET /metrics", "GET /readyz", "GET /setup", "POST /setup"}
}

// world gives the things in xa-a that the matrix names.
func (b *bench) world(t *testing.T) *strings.Replacer {
	t.Helper()
	ctx := t.Context()
	author := library.Person{ID: "author", Name: "author"}
	report := func(approve bool) string {
		r, err := b.Library.Create(ctx, library.Meta{Area: "xa-a", Title: "Luật"}, author)
		check(t, err)
		file := filepath.Join(b.dir, r.ID)
		check(t, os.WriteFile(file, []byte("audio"), 0o600))
		check(t, b.Library.Done(ctx, r.ID, library.Finished{File: file, Waveform: []byte{1, 2}, Audio: library.Audio{DurationMS: 60_000}}))
		if approve {
			_, err := b.Library.Approve(ctx, r.ID, 0, library.Person{ID: "second"}, true)
			check(t, err)
		}
		return r.ID
	}
	approved, day := report(true), time.Now().AddDate(0, 0, 10).Format("2006-01-02")
	planned := func() string {
		made, err := b.Planner.Create(ctx, planner.Spec{Title: "Luật", Area: "xa-a", Items: []planner.ItemRef{{Report: approved}},
			When: planner.When{At: day + "T06:00:00"}, Targets: planner.Targets{Areas: []string{"xa-a"}}}, planner.Person(author))
		check(t, err)
		return made.ID
	}
	urgent := func() string {
		made, err := b.Orders.Create(ctx, orders.Spec{Kind: orders.Live, Reports: []string{approved}, Targets: orders.Targets{Areas: []string{"xa-a"}}}, orders.Person(author))
		check(t, err)
		return made.ID
	}
	agent, blocked := "01a20971-da8e-7418-b973-f074ca05d9fa", "01a20971-da8e-7418-b973-f074ca05d9fc"
	for _, id := range []string{agent, blocked} {
		_, err := b.DB.NewInsert().Table("agents").Model(&map[string]any{"id": id, "name": id, "area": "xa-a", "state": "active", "public_key": id[34:], "created_at": 0}).Exec(ctx)
		check(t, err)
		check(t, b.Fleet.Rename(ctx, id, id)) // past the fleet they were written: it learns of them
	}
	b.putsIn(t, agent, "1", "Lịch tiêm")
	b.offline = []alarms.Cluster{{ID: agent, Name: "Cụm A", Area: "xa-a"}}
	check(t, b.Alarms.Once(ctx))
	open, err := b.Alarms.List(ctx, alarms.Filter{Open: true, Limit: 1})
	check(t, err)
	_, err = b.Fleet.Expect(ctx, []fleet.Expected{{Area: "xa-a", Name: "Cụm sắp tới"}}, "x")
	check(t, err)
	pairing, err := b.Fleet.CreatePairing(ctx, "xa-a", "Cụm A", "admin")
	check(t, err)
	at := time.Now()
	_, _, err = b.Evidence.Insert(ctx, agent, "xa-a", []broadcast.Play{{ID: "a-play", Report: approved, PlannedStart: at, PlannedEnd: at, Outcome: broadcast.Skipped, Reason: "x"}})
	check(t, err)
	check(t, b.Accounts.Record(ctx, accounts.Entry{Who: "x", Action: "y", Subject: "a line", Area: "xa-a"}))
	b.join(t, "a-person", accounts.Person{Role: accounts.Viewer, Area: "xa-a"})
	b.ring.add(bus.Event{Topic: bus.Report, Area: "xa-a", ID: "an event"})
	b.ring.close() // a stream ends when it has shown what there is
	return strings.NewReplacer("{alarm}", open[0].ID, "{approved}", approved, "{report}", report(false), "{withdrawn}", report(false), "{broadcast}", planned(),
		"{cancelled}", planned(), "{urgent}", urgent(), "{revoked}", urgent(), "{agent}", agent, "{blocked}", blocked, "{pairing}", pairing.ID, "{play}", "a-play",
		"{person}", "a-person", "{day0}", at.AddDate(0, 0, -10).UTC().Format(time.RFC3339), "{day}", at.AddDate(0, 0, 10).Format("2006-01-02"), "{nothing}", "01a20971-da8e-7418-b973-f074ca05d9fb")
}

// TestMatrix walks every route as every role from every place, as nobody, and with a token of a scope. A route without
// a row fails it, and a row without a route.
func TestMatrix(t *testing.T) {
	b := newBench(t)
	rows := matrix()
	for route, o := range operations(b) {
		if _, ok := rows[o.OperationID]; !ok {
			t.Errorf("%s (%s) has no row in the matrix: say who may do it, and where", route, o.OperationID)
		}
	}
	ids := map[string]bool{}
	for _, o := range operations(b) {
		ids[o.OperationID] = true
	}
	for id := range rows {
		if !ids[id] {
			t.Errorf("the matrix has a row for %s, which is no operation", id)
		}
	}
	if got := slices.Sorted(slices.Values(b.plain)); !slices.Equal(got, plainRoutes()) {
		t.Errorf("routes for everybody are %v, not %v", got, plainRoutes())
	}
	names := b.world(t)
	for place, area := range places5() {
		for _, role := range []accounts.Role{accounts.Admin, accounts.Officer, accounts.Operator, accounts.Viewer} {
			b.join(t, string(role)+" "+place, accounts.Person{Role: role, Area: area})
		}
	}
	n := 0
	for _, id := range slices.Sorted(mapKeys(rows)) {
		t.Run(id, func(t *testing.T) {
			r := rows[id]
			for place := range places5() {
				for _, role := range []string{"admin", "officer", "operator", "viewer"} {
					n++
					b.expect(t, r, names, n, role, place)
				}
			}
			b.expectNobody(t, r, names)
			b.expectScope(t, id, r, names)
		})
	}
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func has(words, word string) bool { return slices.Contains(strings.Fields(words), word) }

// expect asks as one role from one place.
func (b *bench) expect(t *testing.T, r row, names *strings.Replacer, n int, role, place string) {
	t.Helper()
	status, body := b.askRow(t, r, names, n, b.tokens[role+" "+place])
	mayRole := has("all everybody self", r.roles) || has(r.roles, role)
	mayPlace := r.places == "" || has(r.places, place)
	want := ""
	switch {
	case !mayRole:
		want = "FORBIDDEN"
	case !mayPlace && r.shows == "":
		want = "FOREIGN_AREA"
	}
	got := codeOf(body)
	if refused := has("FORBIDDEN FOREIGN_AREA NOT_SIGNED_IN INTERNAL", got); want != "" && got != want || want == "" && refused {
		t.Errorf("%s %s: %d %s, want %q", role, place, status, body, want)
		return
	}
	if shown := strings.Contains(body, names.Replace(r.shows)); want == "" && r.shows != "" && (status != 200 || shown != mayPlace) {
		t.Errorf("%s %s: shown is %v in %d %s", role, place, shown, status, body)
	}
}

func (b *bench) expectNobody(t *testing.T, r row, names *strings.Replacer) {
	t.Helper()
	for who, token := range map[string]string{"nobody": "", "a stranger": "loa_stranger"} {
		_, body := b.askRow(t, r, names, 0, token)
		if refused := codeOf(body) == "NOT_SIGNED_IN"; refused == (r.roles == "everybody") {
			t.Errorf("%s: %s", who, body)
		}
	}
}

// expectScope asks with a token of the admin of everything that may only look: what it may not is FORBIDDEN.
func (b *bench) expectScope(t *testing.T, id string, r row, names *strings.Replacer) {
	t.Helper()
	token, err := b.Accounts.NewToken(t.Context(), accounts.Caller{Person: accounts.Person{ID: "admin whole", Role: accounts.Admin, Epoch: 1}},
		accounts.Token{Label: "look", Scope: []accounts.Action{accounts.View}})
	check(t, err)
	_, body := b.askRow(t, r, names, 0, token)
	if refused := codeOf(body) == "FORBIDDEN"; refused == has("all everybody", r.roles) {
		t.Errorf("%s with a token for looking: %s", id, body)
	}
}

// askRow sends the row's request.
func (b *bench) askRow(t *testing.T, r row, names *strings.Replacer, n int, token string) (int, string) {
	t.Helper()
	words := strings.SplitN(strings.ReplaceAll(names.Replace(r.ask), "{n}", fmt.Sprint(n)), " ", 3)
	method, path, body, contentType := words[0], Prefix+"/"+words[1], "", "application/json"
	if len(words) == 3 {
		body = words[2]
	}
	if body == "multipart" {
		var form []byte
		contentType, form = makeForm(t, part{"title", "", "Luật"}, part{"area", "", "xa-a"}, part{"audio", "a.wav", "RIFF...."})
		body = string(form)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req := httptest.NewRequestWithContext(ctx, method, "http://hub"+path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if body == "tus" {
		tusHeaders(req, 9, "title", "Luật", "area", "xa-a", "filename", "a.wav")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if strings.HasSuffix(path, "/events") {
		req.Header.Set("Last-Event-ID", b.ring.run+"-0")
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, req)
	if w.Code >= http.StatusInternalServerError {
		t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Code, w.Body.String()
}
