# Every target works offline once the Go modules are there.
GO    ?= go
FUZZ  ?= 10s
FLAGS  = -trimpath

# The images: image/README.md.
ARCH            ?= amd64
VERSION         ?= $(shell git describe --tags --match 'v*' --always --dirty --abbrev=40 2>/dev/null || echo '(devel)')
SOURCE_URL      ?=
DEBIAN_MIRROR   ?= http://deb.debian.org/debian
SECURITY_MIRROR ?= http://deb.debian.org/debian-security
MIRRORS          = -debian-mirror '$(DEBIAN_MIRROR)' -security-mirror '$(SECURITY_MIRROR)'
IMAGE            = $(GO) run ./image/build
IMAGE_FLAGS      = -arch $(ARCH) -version '$(VERSION)' -source '$(SOURCE_URL)' $(MIRRORS)

.PHONY: all build test race lint fuzz bench bench-quick demo image image-verify image-lock image-test clean

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
	$(GO) vet -tags image ./image/...
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

## demo: a launch from config to verdict, with a Git server and a simulated guest agent
demo: build
	$(GO) build $(FLAGS) -o bin/ ./internal/gittest/serve
	bash demo/demo.sh

## image: the images of git mode, image mode and the simulator, into bin/image
image:
	$(IMAGE) make $(IMAGE_FLAGS)

## image-verify: make them again and compare with bin/image, or with OF=registry/name@sha256:...
image-verify:
	$(IMAGE) verify $(IMAGE_FLAGS) $(if $(OF),-image '$(OF)')

## image-lock: pin the newest Debian packages
image-lock:
	$(IMAGE) lock -arch $(ARCH) $(MIRRORS)

## image-test: make the images, make them again as somebody else, run them on Docker
image-test: image build bin/docker-compose
	IMAGE_VERSION='$(VERSION)' IMAGE_SOURCE='$(SOURCE_URL)' DEBIAN_MIRROR='$(DEBIAN_MIRROR)' SECURITY_MIRROR='$(SECURITY_MIRROR)' \
	  $(GO) test -tags image -count=1 -timeout 25m -v ./image/test

# Docker Compose as dstack has it; the one of Debian is older than inline configs.
bin/docker-compose: image/compose/tool/go.sum
	$(GO) -C image/compose/tool build -trimpath -o ../../../bin/docker-compose github.com/docker/compose/v2/cmd

clean:
	rm -rf bin
