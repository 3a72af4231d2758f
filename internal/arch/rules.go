package arch

import (
	"fmt"
	"slices"
	"strings"
)

// Violation is one place that breaks a rule.
type Violation struct {
	Rule string // the rule's name
	Why  string // its reason
	At   string // file:line, or a folder when it is about a package
	What string // what is there
}

// String is one line for a test's log.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s\n\t%s: %s", v.At, v.What, v.Rule, v.Why)
}

// Rule is one thing that holds for the whole tree.
type Rule struct {
	Name  string
	Why   string
	check func(*Tree) []Violation // fills At and What
}

// Check gives every violation of the rule.
func (r Rule) Check(t *Tree) []Violation {
	found := r.check(t)
	for i := range found {
		found[i].Rule, found[i].Why = r.Name, r.Why
	}
	return found
}

// Rules is everything the tree promises.
func Rules() []Rule {
	return slices.Concat(layerRules(), ownerRules(), serveRules(), formRules())
}

// layerRules say which of our packages may import which.
func layerRules() []Rule {
	return []Rule{
		{
			Name: "shared packages import neither program",
			Why: "internal/ is what both programs agree on; one that knew a program would drag it into the other. " +
				"internal/e2e runs both together",
			check: importRule(func(f *file, i imported) bool {
				return within(f.dir, "internal") && !within(f.dir, "internal/e2e") && withinAny(i.local, "hub", "agent")
			}),
		},
		{
			Name: "the programs do not import each other",
			Why: "they meet on the wire only: an agent stays in a commune for years beside a hub of another version. " +
				"What both need belongs into internal/",
			check: importRule(func(f *file, i imported) bool {
				return within(f.dir, "agent") && within(i.local, "hub") || within(f.dir, "hub") && within(i.local, "agent")
			}),
		},
		{
			Name: "siblings of the hub do not import each other",
			Why: "each is one stage, read and tested alone, joined by hub/app through small interfaces of their users. api reads " +
				"all of them to show them; store and bus are the plumbing (a connection, an event) that every stage stands on",
			check: siblingRule("hub/internal", []string{"api"}, []string{"store", "bus"}),
		},
		{
			Name: "siblings of the agent do not import each other",
			Why: "each is one stage, read and tested alone, joined by agent/app through small interfaces of their users. console " +
				"reads all of them to show them, outage holds tests only and cuts the power of several at once, and speaker " +
				"implements player.Output, whose types are player's",
			check: siblingRule("agent/internal", []string{"console", "outage"}, nil, "speaker -> player"),
		},
		{
			Name: "only mains, the end-to-end test and scripts import the wiring",
			Why:  "app knows everyone; a stage that knew app would know everyone too",
			check: importRule(func(f *file, i imported) bool {
				return within(i.local, "hub/app") && !withinAny(f.dir, "hub/app", "internal/e2e", "scripts") && f.dir != "hub" ||
					within(i.local, "agent/app") && !withinAny(f.dir, "agent/app", "internal/e2e", "scripts") && f.dir != "agent"
			}),
		},
		{
			Name: "broadcast imports the standard library only",
			Why: "its rules decide what a village hears, on hub and agent alike: nouns and pure functions, the same answer " +
				"for ever and everywhere",
			check: importRule(func(f *file, i imported) bool {
				return within(f.dir, "internal/broadcast") && !f.test && !standard(i.path)
			}),
		},
		{
			Name: "shipped programs hold no test and no profiling code",
			Why: "testing registers flags, pprof serves the heap with its keys to whoever asks, e2e and scripts are not " +
				"written for a network",
			check: shippedRule("testing", "net/http/pprof", "internal/e2e", "scripts"),
		},
	}
}

// ownerRules say which package alone speaks to a dependency. Tests and scripts may, for a hostile peer or a
// comparison needs the bare thing.
func ownerRules() []Rule {
	return []Rule{
		owner("github.com/gorilla/websocket", "concurrent writes panic, writes without a deadline hang and its read limit is off "+
			"by default; wsconn makes that impossible in one place", "internal/wsconn"),
		owner("github.com/ebitengine/oto", "one context per process for ever, and it hangs or lies when the card goes away; speaker "+
			"keeps it in a child process under a watchdog", "agent/internal/speaker"),
		owner("github.com/spf13/viper", "it lower-cases keys, is global by habit and types nothing; config gives validated structs",
			"internal/config"),
		owner("go.etcd.io/bbolt", "a value kept beyond its transaction is a crash, Open without a time-out waits for ever and a damaged "+
			"file can end the process; cache knows that. faults/disk makes such files", "agent/internal/cache", "agent/internal/playlog", "internal/faults/disk"),
		owner("github.com/teambition/rrule-go", "it reads some rules wrongly in silence; planner refuses those, and nobody else expands any",
			"hub/internal/planner"),
		owner("github.com/nats-io/nats-server/v2", "it can listen for clients, watchers and profilers, and keep messages; bus has it join the hubs and do nothing else",
			"hub/internal/bus"),
		owner("github.com/uptrace/bun", "SQL belongs to the hub; an agent keeps its things in bbolt", "hub"),
		owner("github.com/thesyncim/gopus", "a young codec behind a small interface can be exchanged; playertest makes files for tests with "+
			"its encoder", "internal/audio", "agent/internal/player/playertest"),
	}
}

// owner makes the rule that of all shipped code only the folders import a module.
func owner(module, why string, folders ...string) Rule {
	return Rule{
		Name: "only " + strings.Join(folders, " and ") + " import " + module,
		Why:  why,
		check: importRule(func(f *file, i imported) bool {
			return within(i.path, module) && !f.test && !withinAny(f.dir, folders...) && !within(f.dir, "scripts")
		}),
	}
}

// importRule reports the imports that are bad.
func importRule(bad func(*file, imported) bool) func(*Tree) []Violation {
	return func(t *Tree) []Violation {
		var found []Violation
		for _, f := range t.files {
			for _, i := range f.imports {
				if bad(f, i) {
					found = append(found, Violation{At: at(f, i.line), What: "imports " + i.path})
				}
			}
		}
		return found
	}
}

// siblingRule reports imports between the folders of root; readers may import every sibling, every sibling
// may import the plumbing, and what else is allowed is "from -> to".
func siblingRule(root string, readers, plumbing []string, allowed ...string) func(*Tree) []Violation {
	sibling := func(dir string) string {
		rest, ok := strings.CutPrefix(dir, root+"/")
		if !ok {
			return ""
		}
		name, _, _ := strings.Cut(rest, "/")
		return name
	}
	return importRule(func(f *file, i imported) bool {
		from, to := sibling(f.dir), sibling(i.local)
		return from != "" && to != "" && from != to && !slices.Contains(readers, from) && !slices.Contains(plumbing, to) &&
			!slices.Contains(allowed, from+" -> "+to)
	})
}

// shippedRule reports packages that hub's or agent's main reaches through our own code. What comes in through
// other modules is asked of the go command, see the test.
func shippedRule(unwanted ...string) func(*Tree) []Violation {
	return func(t *Tree) []Violation {
		reached := t.shipped()
		return importRule(func(f *file, i imported) bool {
			return !f.test && reached[f.dir] && (slices.Contains(unwanted, i.path) || withinAny(i.local, unwanted...))
		})(t)
	}
}

// shipped gives the folders whose code is in a shipped program.
func (t *Tree) shipped() map[string]bool {
	reached := map[string]bool{"hub": true, "agent": true}
	for grown := true; grown; {
		grown = false
		for _, f := range t.files {
			for _, i := range f.imports {
				if !f.test && reached[f.dir] && i.local != "" && !reached[i.local] {
					reached[i.local], grown = true, true
				}
			}
		}
	}
	return reached
}

// standard says whether an import path is the standard library's: its first element has no dot.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

func at(f *file, line int) string { return fmt.Sprintf("%s:%d", f.name, line) }
