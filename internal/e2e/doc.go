// Package e2e tests the whole way of a report: both programs in one process with fifty agents on a fake
// sound card, and the real programs with a real virtual sound card and real speech. Nothing imports it.
package e2e
