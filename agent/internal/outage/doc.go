// Package outage cuts the power of an agent's core: it takes cache, scheduler and play log as the agent joins them, on
// real files, stops them at any write or loses what the disk had not yet promised, and gives back what a restart makes of
// it. It holds tests only; nothing imports it.
package outage
