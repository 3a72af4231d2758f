// Package rig starts the real programs and speaks to them as their users do: hub and agent as processes,
// the hub's REST API as a client. It is for the demonstration, the measurements and the tests that want
// the whole way of a report; nothing of the product imports it. A Client is safe for concurrent use, a
// Process belongs to whoever started it.
package rig
