// Package accounts is who may do what on the hub: people with a role for a part of the area tree, how they prove
// who they are (password, second factor, sessions, tokens, one-time invitations), what slows down whoever guesses,
// and the audit log, one chain of hashes, of what everybody did. It takes names and secrets from the api and the
// command line and gives a Caller, on whom the one rule of permission (May) is asked. All methods are safe for
// concurrent use, also of several hubs on one database; hashing is bounded, and so is the queue before it.
package accounts
