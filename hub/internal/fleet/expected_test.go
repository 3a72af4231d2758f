package fleet

import (
	"fmt"
	"testing"
)

func TestExpectedAgentsWaitUntilTheyArePaired(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.add(t, "xa-01", "Loa 1", 1)
	list := func(areas []string) string {
		t.Helper()
		got, err := w.Expecting(ctx, areas)
		if err != nil {
			t.Fatal(err)
		}
		s := ""
		for _, e := range got {
			s += fmt.Sprintf("%s/%s ", e.Area, e.Name)
		}
		return s
	}
	added, err := w.Expect(ctx, []Expected{{Area: "xa-01", Name: "Loa 1"}, {Area: "xa-01", Name: " Loa  2 "}, {Area: "xa-02", Name: "Loa 1"}, {Area: "xa-01", Name: "Loa 2"}}, "minh")
	if err != nil || added != 2 {
		t.Fatalf("added %d, %v", added, err)
	}
	if got := list(nil); got != "xa-01/Loa 2 xa-02/Loa 1 " {
		t.Errorf("expecting %q", got)
	}
	if got := list([]string{"xa-02"}); got != "xa-02/Loa 1 " {
		t.Errorf("of one area: %q", got)
	}
	if _, err := w.Expect(ctx, []Expected{{Area: "xa-03", Name: "Loa 9"}, {Area: "xa-03", Name: "\x00"}}, "minh"); err == nil {
		t.Error("a name that is none is taken")
	}
	w.add(t, "xa-01", "Loa 2", 2)
	if got := list(nil); got != "xa-02/Loa 1 " {
		t.Errorf("after one was paired: %q", got)
	}
	left, err := w.Expecting(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Forget(ctx, left[0].ID, []string{"xa-01"}); err != nil || list(nil) == "" {
		t.Errorf("another's is forgotten: %v", err)
	}
	if err := w.Forget(ctx, left[0].ID, nil); err != nil || list(nil) != "" {
		t.Errorf("still expecting %q, %v", list(nil), err)
	}
}
