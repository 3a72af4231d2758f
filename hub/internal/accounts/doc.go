// Package accounts is who may do what on the hub: people with a role for a part of the area tree, their
// passwords, sessions and tokens, and the audit log of what they did. It takes names and secrets from the
// api and the command line and gives a Person, on whom the one rule of permission (May) is asked. All
// methods are safe for concurrent use; password hashing is bounded so that logins cannot exhaust memory.
package accounts
