package scheduler

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// A slot that has its record sounds no more, also where the journal knows nothing of it: its entry was damaged, or the disk took
// no more than the record.
func TestASlotWithARecordDoesNotSoundAgain(t *testing.T) {
	for name, damage := range map[string]func(d *disk, slot string){
		"its entry is damaged": func(d *disk, slot string) { d.journal[slot] = nil },
		"it has no entry":      func(d *disk, slot string) { delete(d.journal, slot) },
	} {
		for _, rule := range []broadcast.LatenessRule{broadcast.LateJoin, broadcast.LateWhole} {
			t.Run(name+", "+string(rule), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					r := newRig(t)
					c := exact("a", 10*minute, 5*minute, rule)
					r.player.share = 0.5
					r.setPlan(plan(t, 1, nil, c))
					r.start()
					pass(11 * minute)
					r.clock.set(untrusted) // which ends it: it has its record, and its time is not over
					pass(time.Second)
					r.stop()
					before := r.record(slotID(t, c))
					r.player.heard = nil
					damage(r.disk, slotID(t, c))
					r.clock.set("synced")
					r.start()
					pass(40 * minute)
					r.stop()
					if after := r.record(slotID(t, c)); len(r.player.heard) > 0 || after.ID != before.ID {
						t.Errorf("heard again: %+v", r.player.heard)
					}
				})
			})
		}
	}
}
