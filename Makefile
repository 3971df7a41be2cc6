# Every target works offline once the Go modules are there.
GO    ?= go
FUZZ  ?= 10s
FLAGS  = -trimpath

.PHONY: all build test race lint fuzz bench bench-quick bench-image demo demo-image clean

all: build

## build: the programs, static, into bin/
build:
	CGO_ENABLED=0 $(GO) build $(FLAGS) -o bin/ ./cmd/...

## test: everything, against real Git and SSH servers on loopback
test:
	$(GO) test ./...

## race: the same with the race detector
race:
	$(GO) test -race ./...

## lint: formatting, vet, staticcheck, a tidy go.mod
lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags stagehook ./cmd/...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff

## fuzz: each fuzz target for $(FUZZ)
fuzz:
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) $$pkg || exit 1; \
	  done; \
	done

## bench: against git itself, several runs, medians and peak memory as a Markdown table
bench: build
	$(GO) run ./internal/bench -launcher bin/git-launcher

## bench-quick: the small rows of bench
bench-quick: build
	$(GO) run ./internal/bench -launcher bin/git-launcher -quick

## bench-image: from start to running container, against docker pull and docker run
bench-image: build
	$(GO) run ./internal/bench/image -launcher bin/git-launcher

## demo: a launch from config to verdict, with a Git server and a simulated guest agent
demo: build
	$(GO) build $(FLAGS) -o bin/ ./internal/gittest/serve
	bash demo/demo.sh

## demo-image: image mode from an approved digest to verdict, on this machine's Docker Engine
demo-image: build
	CGO_ENABLED=0 $(GO) build $(FLAGS) -o bin/node ./internal/regtest/node
	$(GO) build $(FLAGS) -o bin/serve-images ./internal/regtest/serve
	bash demo/image.sh

clean:
	rm -rf bin
