// Package console is the operator's page at the amplifier PC and its API. It reads the agent's other parts
// through Sources and shows them to whoever sits at this machine, on loopback only and with the Host it is
// reached by checked exactly, so that no other site's page can read it through the operator's browser. What the
// operator decides it gives to decisions: stop and continue at one tap, what else changes the programme with the
// PIN and a reason. Safe for concurrent use.
package console
