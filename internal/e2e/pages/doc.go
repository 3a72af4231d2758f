// Package pages shows the hub's web pages to a real browser: a hub, two agents and a virtual sound card as programs, and
// Playwright (hub/web/e2e) as the people. It holds tests only.
package pages
