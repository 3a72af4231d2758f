// Package app is the hub put together: it takes settings from main, opens what lasts, joins the stages in the
// order a report goes through them, and runs them as named jobs until the context ends; then the front (HTTP,
// agents' connections) ends before the stages behind it, so that nothing heard is lost. It also holds the
// commands of loa-hub and the hub's keys. Tests start it in their own process on port 0. An App is for one Run.
package app
