// Package console is the operator's page at the amplifier PC and its API. It reads the agent's other parts
// through Sources and shows them to whoever sits at this machine, on loopback only and with the Host it is
// reached by checked exactly, so that no other site's page can read it through the operator's browser. It
// changes nothing. Safe for concurrent use.
package console
