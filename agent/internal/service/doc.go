// Package service makes the agent a service of its machine: it tells systemd and Windows what the agent's parts say
// about themselves (ready, alive, stopping), and installs, starts, stops and removes the service when a person asks for
// it. app gives it the parts' signs of life; it knows none of the parts. A Watch runs once; the rest are calls of one
// person at a time.
package service
