// Package api shows the hub to people and programs: REST under /api/v1 with its OpenAPI description, live
// events, and health and metrics beside it. It takes requests, finds out who asks, asks the one table whether
// that person's role allows it and the tree of areas whether it is theirs, and gives the work to the stages,
// whose refusals it turns into problem+json in one place. It keeps nothing itself but the last events of the
// bus. A Server is safe for concurrent use; Run feeds the events and blocks.
package api
