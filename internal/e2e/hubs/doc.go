// Package hubs has the failure tests of several hubs that serve one fleet: hub processes on a PostgreSQL, an S3 store and
// either two joined NATS servers or servers of their own, agents that speak the real protocol to whichever hub they reach, the
// real agent behind a balancer, and what kills, restarts and cuts them. It has no code of its own beside its tests.
package hubs
