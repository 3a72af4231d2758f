// Command planted shows that the tests behind docs/security.md can fail: it takes the weaknesses kept as *.patch in its
// folder, plants one at a time in a copy of the tree, and expects the test that the patch names to fail. A weakness that
// does not compile, or that its test does not notice, ends it with exit code 1. The tree itself is never touched.
//
//	go run ./scripts/planted               all of them
//	PLANTED=name,… go run ./scripts/planted
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

const folder = "scripts/planted"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "planted:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	plants, err := load(".")
	if err != nil {
		return err
	}
	if names := os.Getenv("PLANTED"); names != "" {
		wanted := strings.Split(names, ",")
		plants = slices.DeleteFunc(plants, func(p plant) bool { return !slices.Contains(wanted, p.name) })
	}
	if len(plants) == 0 {
		return errors.New("no such weakness")
	}
	c, err := newCopy(ctx, ".")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.remove()) }()
	if err := c.healthy(ctx, plants); err != nil {
		return err
	}
	fmt.Printf("planted: without a weakness the tests pass; %d to plant\n", len(plants))
	survived := 0
	for _, p := range plants {
		began := time.Now()
		verdict := c.try(ctx, p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if verdict != found {
			survived++
		}
		fmt.Printf("%-9s %-28s %-55s %5.1f s  %s\n", verdict, p.name, p.test, time.Since(began).Seconds(), p.weakness)
	}
	fmt.Printf("planted: %d weaknesses, %d found\n", len(plants), len(plants)-survived)
	if survived > 0 {
		return fmt.Errorf("%d were not found by the test that should", survived)
	}
	return nil
}
