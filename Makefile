# What there is to do with this checkout; `make` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# How long each fuzz target runs.
FUZZTIME ?= 30s

# Where make serve listens.
LISTEN ?= 127.0.0.1:8080

# Which Go benchmarks run, how often, and the commit that they are compared with.
BENCH ?= ServeDNS|Load|Compile|Lint|Diff
COUNT ?= 6
BASE ?= HEAD

# All targets compile in the same way, so that Go's build cache serves them all; make stamps the version itself.
export CGO_ENABLED := 0
export GOFLAGS := $(filter-out -trimpath -buildvcs=%,$(GOFLAGS)) -trimpath -buildvcs=false
VERSION := $(patsubst v%,%,$(shell git describe --tags --always --dirty 2>/dev/null))
LDFLAGS := -X github.com/revmap/revmap/internal/version.version=$(VERSION)

# Where Debian keeps servers and their checkers, for users whose PATH lacks it.
export PATH := $(PATH):/usr/sbin:/sbin

# The packages in which goroutines meet.
CONCURRENT := ./plugin/... ./internal/datagram/... ./internal/fastpath/... ./internal/snapshot/... ./internal/authority/... \
	./internal/parallel/... ./gen/source/... ./gen/cache/... ./gen/build/... ./gen/table/... ./gen/users/... ./gen/session/... \
	./gen/editor/... ./gen/desk/... ./gen/gate/...

TOOL := go tool -modfile=tools/go.mod

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## compile bin/coredns and bin/revmap
	@mkdir -p bin
	go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/coredns ./cmd/revmap

.PHONY: run
run: build ## lint and compile records.yaml, then serve it on 127.0.0.1, port 1053, until Ctrl-C
	bin/revmap lint records.yaml
	@mkdir -p run
	bin/revmap compile -o run/records.snapshot records.yaml
	@if (: <>/dev/tcp/127.0.0.1/1053) 2>/dev/null; then \
		echo "make run: port 1053 of 127.0.0.1 is in use: stop what listens there, or change corefile.example" >&2; \
		exit 1; \
	fi
	@printf '%s\n' '' \
		'CoreDNS serves records.yaml on 127.0.0.1, port 1053; Ctrl-C ends it. Try, in another terminal:' '' \
		'  dig -p 1053 @127.0.0.1 -x 192.0.2.20    # a primary address without a name: its default hostname' \
		'  dig -p 1053 @127.0.0.1 -x 192.0.2.10    # a reverse map name' \
		'  dig -p 1053 @127.0.0.1 -x 192.0.2.11    # an additional address without a name: NXDOMAIN' \
		'  dig -p 1053 @127.0.0.1 -x 203.0.113.193 # a CNAME into a classless zone, and its PTR' \
		'  dig -p 1053 @127.0.0.1 examplaaa2.miniserver.example    # the address of a default hostname' \
		'  dig -p 1053 @127.0.0.1 2.0.192.in-addr.arpa AXFR        # the whole zone' '' \
		'CoreDNS warns that it cannot notify 127.0.0.1, port 1054: that is the secondary in corefile.example, and none runs.' '' \
		'Change a name in records.yaml, then compile it for the running CoreDNS, and see what a secondary gets:' '' \
		'  bin/revmap compile -o run/records.snapshot records.yaml' \
		'  dig -p 1053 @127.0.0.1 2.0.192.in-addr.arpa IXFR=<the serial before>' ''
	@exec bin/coredns -conf corefile.example

.PHONY: serve
serve: build ## edit a copy of records.yaml in a browser, at http://127.0.0.1:8080, until Ctrl-C
	@LISTEN='$(LISTEN)' tools/serve-example

.PHONY: test
test: ## install what the tests need, where that is possible, and run them all
	@tools/test-deps
	go test -timeout 20m ./...

.PHONY: race
race: ## test the packages in which goroutines meet with the race detector
	CGO_ENABLED=1 go test -race -timeout 20m $(CONCURRENT)

.PHONY: test-386
test-386: ## vet and test internal/ on a 32-bit machine (amd64 runs it)
	GOARCH=386 go vet ./internal/...
	GOARCH=386 go test ./internal/...

.PHONY: static
static: ## gofmt, go mod tidy, go vet and staticcheck; changes nothing
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt -w is needed:" $$unformatted >&2; exit 1; fi
	go mod tidy -diff
	go vet ./...
	$(TOOL) staticcheck -checks inherit,ST1000,ST1016,ST1020,ST1021,ST1022 ./...

.PHONY: check
check: test static race test-386 ## all that a change has to pass

.PHONY: vuln
vuln: ## look for known vulnerabilities; needs https://vuln.go.dev, so it is no part of check
	$(TOOL) govulncheck ./...

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME, 30s
	@go test -list '^Fuzz' ./... \
		| awk '/^Fuzz/ { names[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, names[i]; n = 0 }' \
		| while read -r package name; do \
			echo "$$package $$name"; \
			go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "$$package" </dev/null; \
		done

.PHONY: bench-go
bench-go: ## compare the Go benchmarks that match BENCH with those of BASE, the last commit; COUNT times
	@BENCH='$(BENCH)' COUNT='$(COUNT)' BASE='$(BASE)' tools/bench-go

.PHONY: bench
bench: bench-peers bench-servedns bench-reload bench-compile ## most measurements of bench/README.md, in 25 minutes
	@go run ./bench report -budgets

.PHONY: bench-quick
bench-quick: build ## the ratios to the best peers, roughly, in two minutes
	@tools/test-deps
	go run ./bench peers -out run/bench/quick -time 1.5s -rounds 2 -family ipv4 -servers revmap,revmap-plain,revmap-fast,constant,hosts,knot,nsd
	go run ./bench peers -out run/bench/quick -time 1.5s -rounds 2 -family ipv6 -servers revmap,revmap-plain,revmap-fast,constant,hosts
	@go run ./bench report -out run/bench/quick -budgets

.PHONY: bench-readme
bench-readme: ## write what was measured last into bench/README.md
	go run ./bench report -update bench/README.md

# The parts of bench/README.md; ARGS are flags of bench.
.PHONY: bench-peers
bench-peers: build ## compare revmap with other name servers, and with the least that a server does
	@tools/test-deps
	go run ./bench peers $(ARGS)

.PHONY: bench-servedns
bench-servedns: ## compare the plugin alone with a constant answer
	go run ./bench servedns $(ARGS)

.PHONY: bench-reload
bench-reload: build ## measure what a new snapshot every two seconds does to queries and memory under full load
	go run ./bench reload $(ARGS)

.PHONY: bench-compile
bench-compile: build ## measure lint and compile, cold and with a cache, beside the parsing of the same YAML
	go run ./bench compile $(ARGS)

.PHONY: bench-growth
bench-growth: build ## measure what a name costs where there are 1, 4 and 16.7 million of them
	go run ./bench growth $(ARGS)

.PHONY: bench-soak
bench-soak: build ## measure memory, goroutines and files in ten minutes of queries, new snapshots and zone transfers
	go run ./bench soak $(ARGS)

.PHONY: bench-page
bench-page: build ## measure the page and the API of revmap serve with a million addresses
	go run ./bench page $(ARGS)

.PHONY: golden
golden: ## rewrite the expected outputs that the tests compare with; review the difference
	go test $$(grep -rl 'flag.Bool("update"' --include='*_test.go' . | xargs -n 1 dirname | sort -u) -update

.PHONY: clean
clean: ## remove bin/ and run/
	rm -rf bin run
