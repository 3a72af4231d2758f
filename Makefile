# make build    both programs into bin/
# make demo     sets up what is missing and runs the main job (ONCE=1 ends after the first report, REPORT=file takes yours)
# make package  .deb for both programs and a .zip for Windows, into dist/
# make test     sets up what is missing and runs every test
# make test-faults   the long fault suite: every Fault test at full count (LOA_SEED=N repeats a run)
# make test-windows  the .zip and what needs neither sound nor files, under wine (100 MB to fetch, 700 MB in var/wine)
# make test-systemd  the packages installed, started, killed and removed under a systemd that runs (root; 250 MB in var/systemd)
# make test-planted  plants known weaknesses, one at a time, and expects the test that names each to fail
# make check    the quick loop for a change: build, vet, lint and the short tests
# make bench    measurements beside their peers (BENCH=name,… picks some)
# make soak     half an hour with 10,000 simulated agents at work; fails when memory, goroutines, descriptors or records are lost (SOAK=2m SOAK_AGENTS=1000 is a short one)
# make fuzz     every fuzz target for FUZZTIME (10s)
# make setup    installs everything that demo, test and lint need; make clean removes what make made

SHELL := /bin/bash
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: build package check test test-faults test-windows test-systemd test-planted demo bench soak fuzz setup setup-demo setup-test setup-package setup-wine setup-systemd setup-lint pages vet cross lint vuln clean

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)
# No clock is right before the source was committed: the agent's time never goes below it.
BUILT   := $(shell git log -1 --format=%ct 2>/dev/null)
TOOLS   := .tools/bin
PAGES   := $(wildcard hub/web/package.json agent/web/package.json)

# The version is stamped above; Go's own stamping fails in a clone that belongs to another user.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

build: $(if $(PAGES),pages)
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/loa-hub ./hub
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS) -X main.built=$(BUILT)' -o bin/loa-agent ./agent

package: setup-package build cross
	VERSION='$(VERSION)' scripts/package.sh

# Without -race, so that it needs no C compiler and stays under two minutes; make test has the detector.
check: setup-lint build vet lint
	go test -short -timeout 110s ./...

# What plays in real time runs alone, one package after the other: a neighbour that compiles or encodes would starve it.
# Several of its tests wait side by side, each for its own card.
SOUND := /agent/app$$|/agent/internal/speaker$$|/internal/e2e$$|/internal/e2e/soundcard$$
# Whole hubs and browsers, which need both cores.
WHOLE := /internal/e2e/hubs$$|/internal/e2e/pages$$

# The packages of the hub that have SQL of their own: their tests run on SQLite with all others, and then on PostgreSQL.
# The timetable's vectors and the planner's random years have no query that its other tests have not.
ON_POSTGRES := $(addprefix ./hub/internal/, accounts alarms api evidence fleet library orders planner)

# The detector looks at our code and all it calls but SQLite, which is C made into Go: seven times slower under it, and
# seen through database/sql, whose locks it does know.
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false

# Every tool was just set up, so tests treat a missing one as a failure (CI). go test's lines come last.
test: setup-test setup-lint package vet lint vuln
	FUZZTIME=10s scripts/fuzz.sh outside
	CI=$${CI:-true} CGO_ENABLED=1 go test $(RACE) -count=1 -timeout 20m $$(go list ./... | grep -vE '$(SOUND)|$(WHOLE)')
	CI=$${CI:-true} CGO_ENABLED=1 go run ./scripts/postgres go test $(RACE) -short -count=1 -timeout 5m -skip 'Vectors|PlansFollow|ExpandIs|Matrix|StreamEnds|Golden' $(ON_POSTGRES)
	CI=$${CI:-true} CGO_ENABLED=1 go test $(RACE) -count=1 -timeout 20m -p 1 -parallel 3 $$(go list ./... | grep -E '$(SOUND)')
	CI=$${CI:-true} CGO_ENABLED=1 go test $(RACE) -count=1 -timeout 20m -p 1 $$(go list ./... | grep -E '$(WHOLE)')

# Without -race, which make test has; what plays in real time needs the machine, one package after the other.
test-faults: setup-test build
	FUZZTIME=4m scripts/fuzz.sh outside
	LOA_FAULTS=full CI=$${CI:-true} go test -run Fault -count=1 -timeout 45m -v $$(go list ./... | grep -vE '$(SOUND)|$(WHOLE)')
	LOA_FAULTS=full CI=$${CI:-true} go test -run Fault -count=1 -timeout 45m -p 1 -v $$(go list ./... | grep -E '$(SOUND)|$(WHOLE)')

# Not part of make test: wine is 100 MB to fetch and 700 MB on the disk. Debian's wine 8.0 cannot remove a folder the way
# t.TempDir does, so that tests with files cannot run in it; what the zip holds is tried as a whole.
WINE_TESTS := ./agent/internal/decisions ./agent/internal/health ./agent/internal/scheduler ./internal/broadcast ./internal/change \
	./internal/mono ./internal/pairing ./internal/wire
test-windows: setup-wine package
	go run ./scripts/wine var/wine
	LOA_WINE='$(CURDIR)/var/wine' CI=$${CI:-true} go test -count=1 -timeout 5m -run Wine ./packaging
	WINEPREFIX='$(CURDIR)/var/wine' WINEDEBUG=-all CGO_ENABLED=0 GOOS=windows go test -short -count=1 -timeout 5m -exec wine $(WINE_TESTS)

# Not part of make test: it takes root, and a Debian of its own (100 MB to fetch).
test-systemd: setup-systemd package
	LOA_SYSTEMD='$(CURDIR)/var/systemd' CI=$${CI:-true} go test -count=1 -timeout 10m -run UnderSystemd ./packaging

# In copies of the tree; PLANTED=name,… picks some.
test-planted: setup-test
	go run ./scripts/planted

demo: setup-demo build
	go run ./scripts/demo

bench: setup-demo setup-test build
	go run ./scripts/bench

soak: setup-demo build
	BENCH=soak-10k-growth go run ./scripts/bench

fuzz:
	scripts/fuzz.sh

setup:
	scripts/setup.sh demo test lint

setup-demo setup-test setup-package setup-wine setup-systemd setup-lint:
	scripts/setup.sh $(@:setup-%=%)

# Where there is no npm the hub is built without its pages and says so on its front page.
pages:
	$(if $(shell command -v npm),scripts/setup.sh pages && $(MAKE) --no-print-directory $(PAGES:%/package.json=%/dist/index.html),@echo 'pages: no npm here, the hub will have no web pages')

# Built anew only when something they are made of changed: the API's description is, for the typed client.
hub/web/dist/index.html: hub/internal/api/testdata/openapi.json $(shell find hub/web/src hub/web/*.* -type f ! -name schema.d.ts ! -name '*.go' 2>/dev/null)
	npm --prefix hub/web run --silent build
	touch $@

vet:
	go vet ./...

# The other machines of a fleet: no C compiler is at hand for them, so nothing may need one.
AGENT_LDFLAGS := $(LDFLAGS) -X main.built=$(BUILT)
cross:
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -ldflags '$(AGENT_LDFLAGS)' -o dist/arm64/loa-agent ./agent
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -ldflags '$(LDFLAGS)' -o dist/arm64/loa-hub ./hub
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 go build -trimpath -ldflags '$(AGENT_LDFLAGS)' -o dist/windows/loa-agent.exe ./agent

lint:
	$(TOOLS)/golangci-lint run ./...

vuln:
	scripts/vuln.sh

clean:
	rm -rf bin dist var .tools hub/web/node_modules hub/web/dist/assets hub/web/dist/index.html
