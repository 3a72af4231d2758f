// Package packaging holds what a machine needs beside the two programs: systemd's units and users, which the packages and
// `loa-agent service install` take from here alike. Its tests judge the units by systemd's own measure of what a service
// could do if it were taken, and install what make package built.
package packaging

import _ "embed"

//go:embed systemd/loa-agent.service
var agentUnit []byte

//go:embed sysusers.d/loa-agent.conf
var agentUsers []byte

// AgentUnit is the agent's unit.
func AgentUnit() []byte { return agentUnit }

// AgentUsers is the agent's user, for systemd-sysusers.
func AgentUsers() []byte { return agentUsers }
