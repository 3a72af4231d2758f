package api

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestACommunesOwnItemIsAllowedByWhoMayApprove(t *testing.T) {
	b := board(t)
	const agent = "01a20971-da8e-7418-b973-f074ca05d9fa"
	_, err := b.DB.NewInsert().Table("agents").Model(&map[string]any{"id": agent, "name": "A", "area": "xa-a", "state": "active", "public_key": "fa", "created_at": 0}).Exec(t.Context())
	check(t, err)
	key := broadcast.OwnKey("1", broadcast.DateOf(time.Now(), time.UTC), "evening")
	b.does(t, "lan", "POST", "agents/"+agent+"/decisions", `{"kind":"allow","subject":"`+key+`"}`, "OWN_ITEM_UNKNOWN")
	_, err = b.Orders.TakeDecision(t.Context(), agent, "xa-a", uuid.Must(uuid.NewV7()).String(), broadcast.Decision{Kind: "own", Subject: key, Who: "PC", When: time.Now(),
		Counter: 1, Source: "pc", Reason: "lịch tiêm", Own: &broadcast.Own{Title: "Lịch tiêm", Audio: broadcast.Hash(strings.Repeat("a", 64)), DurationMS: 60_000}})
	check(t, err)
	for _, tc := range []struct{ person, code string }{{"operator", "FORBIDDEN"}, {"viewer", "FORBIDDEN"}, {"below", "FOREIGN_AREA"}, {"beside", "FOREIGN_AREA"}, {"lan", ""}, {"minh", ""}} {
		b.does(t, tc.person, "POST", "agents/"+agent+"/decisions", `{"kind":"allow","subject":"`+key+`"}`, tc.code)
	}
	b.does(t, "lan", "POST", "agents/"+agent+"/decisions", `{"kind":"own","subject":"`+key+`"}`, "VALIDATION")
	heads, err := b.Orders.Standing(t.Context(), time.Now())
	check(t, err)
	if len(heads[agent]) != 1 || heads[agent][0].Kind != "allow" || heads[agent][0].Subject != key || heads[agent][0].Who != "minh" {
		t.Errorf("the head would have %+v", heads[agent])
	}
}
