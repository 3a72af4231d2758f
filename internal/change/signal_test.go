package change

import (
	"context"
	"testing"
	"testing/synctest"
)

func pending(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestEverySubscriberLearnsOfAChange(t *testing.T) {
	var s Signal
	s.Notify() // with nobody there it is forgotten
	a, b := s.Subscribe(), s.Subscribe()
	if pending(a) {
		t.Error("a subscriber learnt of a change before its time")
	}
	s.Notify()
	s.Notify()
	for name, ch := range map[string]<-chan struct{}{"a": a, "b": b} {
		if !pending(ch) {
			t.Errorf("%s did not learn of the change", name)
		}
		if pending(ch) {
			t.Errorf("%s learnt of two changes one by one", name)
		}
	}
}

func TestAMergedChannelTellsOfAny(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a, b Signal
		ctx, cancel := context.WithCancel(t.Context())
		either, wait := Merge(ctx, a.Subscribe(), b.Subscribe())
		for _, s := range []*Signal{&a, &b, &a} {
			s.Notify()
			synctest.Wait()
			if !pending(either) || pending(either) {
				t.Error("a change was not told once")
			}
		}
		a.Notify()
		b.Notify()
		cancel()
		wait() // for ever, and the bubble fails, if a goroutine stays
	})
}
