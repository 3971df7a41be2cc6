# Every target but image, image-* and vulnerabilities works offline once the Go modules
# are there.
GO    ?= go
FUZZ  ?= 10s
FLAGS  = -trimpath -ldflags '-X gitlauncher/internal/version.release=$(VERSION)'
PREFIX ?= /usr/local
COVER  ?= ./...
BEFORE ?=
IMAGE_TESTS ?=

PROGRAMS = $(notdir $(wildcard cmd/*))

# What programs say of themselves, and launches measure: a tag, or the commit's id, with
# -dirty where files differ from it. A folder that is no clone has none.
VERSION ?= $(shell [ -e .git ] && git -c safe.directory='$(CURDIR)' describe --tags --match 'v*' --always --dirty --abbrev=40 2>/dev/null || echo '(devel)')

# The images: image/README.md.
ARCH            ?= amd64
SOURCE_URL      ?=
DEBIAN_MIRROR   ?= http://deb.debian.org/debian
SECURITY_MIRROR ?= http://deb.debian.org/debian-security
MIRRORS          = -debian-mirror '$(DEBIAN_MIRROR)' -security-mirror '$(SECURITY_MIRROR)'
IMAGE            = $(GO) run ./image/build
IMAGE_FLAGS      = -arch $(ARCH) -version '$(VERSION)' -source '$(SOURCE_URL)' $(MIRRORS)

# What also builds, and passes its tests, on systems other than Linux.
PORTABLE = ./gitpin/object ./gitpin/pack/... ./gitpin/proof ./config ./policy ./measure ./verify/... ./cmd/git-launcher-verify ./cmd/dstack-sim ./cmd/git-launcher-dev ./internal/sim/... ./internal/author ./internal/cli ./internal/clone ./internal/deployment ./internal/lint ./internal/trial

TOOLS = $(GO) -C .github/tool build -o '$(CURDIR)/bin/'

.PHONY: all help build test race lint cover mutants fuzz bench bench-formats bench-quick bench-image bench-verify page page-test demo demo-image dist install man licenses vulnerabilities image image-verify image-lock image-test module clean

all: build

## help: this list
help:
	@sed -n 's/^## \([a-z-]*\): /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r target does; do printf '%-16s %s\n' "$$target" "$$does"; done

## build: the programs, static, into bin/
build:
	CGO_ENABLED=0 $(GO) build $(FLAGS) -o bin/ ./cmd/...

## test: everything, against real Git and SSH servers on loopback
test:
	$(GO) test -timeout 25m ./...

## race: the same with the race detector
race:
	$(GO) test -race -timeout 60m ./...

## lint: formatting, vet, staticcheck, a tidy go.mod, the workflows
lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags stagehook ./cmd/...
	$(GO) vet -tags image ./image/...
	GOOS=darwin $(GO) vet $(PORTABLE)
	GOOS=windows $(GO) vet $(PORTABLE)
	$(GO) -C page/test vet ./...
	$(GO) tool staticcheck ./...
	$(GO) tool staticcheck -tags image ./image/test
	$(GO) mod tidy -diff
	$(TOOLS) github.com/rhysd/actionlint/cmd/actionlint && bin/actionlint

## cover: what tests reach, by package, with what the programs run that testscripts start
cover:
	rm -rf bin/cover && mkdir -p bin/cover/tests bin/cover/programs
	GIT_LAUNCHER_TEST_COVER='$(CURDIR)/bin/cover/programs' $(GO) test -count=1 -cover -covermode=atomic -coverpkg='$(shell echo $(COVER) | tr ' ' ,)' $(COVER) -args -test.gocoverdir='$(CURDIR)/bin/cover/tests'
	$(GO) tool covdata percent -i=bin/cover/tests,bin/cover/programs
	@$(GO) tool covdata textfmt -i=bin/cover/tests,bin/cover/programs -o bin/cover/profile && $(GO) tool cover -func bin/cover/profile | tail -n 1

# The packages that security rests on.
MUTANTS = ./config ./policy ./internal/attest ./internal/spki ./measure/... ./gitpin/... ./imagepin/... ./verify/... ./internal/strictjson ./internal/digest ./internal/environ ./internal/handover ./internal/printable
SEED   ?= 1
N      ?= 100

## mutants: which of N=100 random changes (SEED=1) of the packages that security rests on no test notices
mutants:
	nice $(GO) run ./internal/mutants -seed $(SEED) -n $(N) $(MUTANTS)

## fuzz: each fuzz target for FUZZ=10s
fuzz:
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) $$pkg || exit 1; \
	  done; \
	done

## bench: against git itself, several runs, medians and peak memory as a Markdown table; BEFORE=PROGRAM: against an earlier build
bench: build
	$(GO) run ./internal/bench -launcher bin/git-launcher -before '$(BEFORE)'

## bench-formats: submodules and Git LFS, against git with both
bench-formats: build
	$(GO) run ./internal/bench -launcher bin/git-launcher -before '$(BEFORE)' -formats -runs 7

## bench-quick: the small rows of bench
bench-quick: build
	$(GO) run ./internal/bench -launcher bin/git-launcher -before '$(BEFORE)' -quick

## bench-image: from start to running container, against docker pull and docker run
bench-image: build
	$(GO) run ./internal/bench/image -launcher bin/git-launcher

## bench-verify: judgements a second and memory, of batches of 1 to 10,000 receipts, of the service, and of the command for each
bench-verify:
	$(GO) test -run '^$$' -bench 'Batch|Serve' -benchtime 3x ./cmd/git-launcher-verify

## demo: a launch from config to verdict, with a Git server and a simulated guest agent; OUT=DIR keeps the evidence
demo: build
	$(GO) build $(FLAGS) -o bin/ ./internal/gittest/serve
	OUT='$(OUT)' bash demo/demo.sh

## demo-image: image mode from an approved digest to verdict, on this machine's Docker Engine
demo-image: build
	CGO_ENABLED=0 $(GO) build $(FLAGS) -o bin/node ./internal/regtest/node
	$(GO) build $(FLAGS) -o bin/serve-images ./internal/regtest/serve
	bash demo/image.sh

## page: the verifier's page, one folder of static files, into bin/page
page:
	$(GO) run ./page -version '$(VERSION)'

## page-test: the page in Chromium and Firefox, against the command; PAGE_PICTURES=DIR keeps what they show
page-test: page build
	$(GO) build $(FLAGS) -o bin/ ./internal/gittest/serve
	OUT=bin/page.evidence bash demo/demo.sh >/dev/null
	PAGE_PICTURES='$(PAGE_PICTURES)' $(GO) -C page/test test -count=1 -timeout 25m -v ./...

## image: the images of git mode, image mode, the verifier and the simulator, into bin/image
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
	  $(GO) test -tags image -count=1 -timeout 40m -v $(IMAGE_TESTS) ./image/test

## dist: the archives of a release, for each system, with their checksums, into bin/dist
dist: man
	$(GO) run ./internal/dist -version '$(VERSION)'

## install: the programs and their manuals, below PREFIX=/usr/local
install: build man
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 0755 $(PROGRAMS:%=bin/%) '$(DESTDIR)$(PREFIX)/bin'
	install -m 0644 bin/man/*.1 '$(DESTDIR)$(PREFIX)/share/man/man1'

## man: the manual pages of all programs, from their help, into bin/man
man: build
	mkdir -p bin/man
	bin/git-launcher --help | $(GO) run ./internal/man 'launch one pinned and measured Git commit' >bin/man/git-launcher.1
	bin/git-launcher-verify manual | $(GO) run ./internal/man 'establish what ran in a confidential VM' >bin/man/git-launcher-verify.1
	bin/git-launcher-dev manual | $(GO) run ./internal/man 'try, pin and check a workload for git-launcher' >bin/man/git-launcher-dev.1
	bin/dstack-sim manual | $(GO) run ./internal/man "stand in for dstack's guest agent: not a TEE" >bin/man/dstack-sim.1

## licenses: THIRD-PARTY-LICENSES: what is linked, and each licence text once
licenses:
	@mkdir -p bin
	$(GO) run ./internal/licenses >bin/THIRD-PARTY-LICENSES && mv bin/THIRD-PARTY-LICENSES .

## vulnerabilities: known ones in what is linked; needs the network
vulnerabilities:
	$(TOOLS) golang.org/x/vuln/cmd/govulncheck && bin/govulncheck ./...

## module: set the module's path everywhere: make module MODULE=example.org/you/git-launcher
module:
	@test -n '$(MODULE)' || { echo 'usage: make module MODULE=example.org/you/git-launcher'; exit 2; }
	old=$$($(GO) list -m) && \
	  { grep -rlF --include='*.go' --include=Makefile --exclude-dir=bin "$$old/" . | xargs sed -i "s#\(^\|[\"= ]\)$$old/#\1$(MODULE)/#g"; } && \
	  for dir in . .github/tool image/compose/tool page/test; do sed -i "s#^module $$old#module $(MODULE)#" $$dir/go.mod || exit 1; done
	gofmt -w $$(find . -name '*.go' -not -path './bin/*')

# Docker Compose as dstack has it; the one of Debian is older than inline configs.
bin/docker-compose: image/compose/tool/go.sum
	$(GO) -C image/compose/tool build -trimpath -o ../../../bin/docker-compose github.com/docker/compose/v2/cmd

## clean: remove bin/
clean:
	rm -rf bin
