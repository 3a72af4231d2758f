package broadcast

import "fmt"

// Command is what a hub's admin asks of one agent's PC, now or never: it changes nothing that is planned.
type Command struct {
	Do string `json:"do"` // tone | restart | recheck | log
}

// The things a command asks for.
const (
	DoTone    = "tone"    // sound the test tone, where a programme could sound
	DoRestart = "restart" // end, and be started by the service manager again
	DoRecheck = "recheck" // check all audio against its hashes, fetch anew what is damaged or missing
	DoLog     = "log"     // the last lines of its log
)

// Check tells what of it cannot be.
func (c Command) Check() error {
	switch c.Do {
	case DoTone, DoRestart, DoRecheck, DoLog:
		return nil
	}
	return fmt.Errorf("the command %.20q is unknown", c.Do)
}
