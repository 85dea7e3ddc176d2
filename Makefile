# What there is to do here. `make help` lists it.

TOOL = go tool -modfile=tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help build snapshot release swarm torture check test fuzz bench cover screenshots format vuln tools clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/monarch, one static binary
	CGO_ENABLED=0 go build -trimpath -o bin/monarch ./cmd/monarch

snapshot: ## everything that is given out, in dist, from the working tree: docs/releasing.md
	@scripts/release snapshot

release: ## the same of this commit's tag, signed if there is a key
	@scripts/release

swarm: build ## bin/swarm, the load generator, beside bin/monarch
	CGO_ENABLED=0 go build -trimpath -o bin/swarm ./cmd/swarm

torture: build ## kill, starve, overload and ignore a server, and cut several off from each other, for two hours; as root; what it finds is in torture/
	CGO_ENABLED=0 go build -trimpath -o bin/torture ./cmd/torture
	mkdir -p torture
	bin/torture crash --json torture/crash.json
	bin/torture disk --json torture/disk.json
	bin/torture overload --json torture/overload.json
	bin/torture readers --json torture/readers.json
	bin/torture cluster --json torture/cluster.json
	go test ./internal/model -count=1 -run Everybody -rapid.checks=10000 -rapid.steps=80 -timeout=0

check: ## everything a change must pass, as CI runs it
	@scripts/check

test: ## the tests, with the race detector
	@scripts/check test

fuzz: ## every fuzz target for a while; FUZZTIME=10m for longer
	@scripts/fuzz $(or $(FUZZTIME),30s)

bench: ## every benchmark
	go test -run '^$$' -bench . -benchmem ./...

cover: ## how much of the code the tests reach; details in cover.html
	go test -coverprofile=cover.out -coverpkg=./... ./...
	go tool cover -html=cover.out -o cover.html
	go tool cover -func=cover.out | tail -n 1

screenshots: ## pictures of every page of the website, in docs/screenshots; PAGES='admin-webhooks docs*' for some
	@scripts/setup
	UPDATE_SCREENSHOTS='$(or $(PAGES),*)' go test -count=1 -timeout=30m -run '^TestScreenshots$$' ./internal/webtest

format: ## put all Go files into the form the checks want
	$(TOOL) gofumpt -w .
	$(TOOL) golangci-lint fmt ./...

vuln: ## known vulnerabilities in what we depend on; fails where the database cannot be reached
	@MONARCH_CHECK_VULN=require scripts/check vuln

tools: ## build the check programs now, which takes minutes the first time
	$(TOOL) gofumpt --version
	$(TOOL) staticcheck --version
	$(TOOL) golangci-lint --version
	$(TOOL) govulncheck -version
	go tool -modfile=tools/release/go.mod goreleaser --version

clean: ## remove what was built
	rm -rf bin dist torture cover.out cover.html
