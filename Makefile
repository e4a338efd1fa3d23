# make census   the whole job, on a network that it starts itself: crawl, queries, database, reports
# make test     all tests, under the race detector
# make bench    crawls of crowds beside the most that could be done, and what a host costs; reports on a million hosts, and
#               measures of a mesh of as many beside igraph's; messages of a search; CPU time of a loaded ultrapeer; a library
#               of a million files; hashing; serving next to net/http
# make soak     a crawl of a crowd for SOAKTIME, which must not grow
# make fuzz     each decoder against hostile bytes, FUZZTIME each
# make build    bin/gnucensus
# make lint     gofmt and go vet

GO       ?= go
FUZZTIME ?= 60s
SOAKTIME ?= 20m

# Each recipe is one shell script that stops at its first error.
.ONESHELL:
SHELL       := /bin/sh
.SHELLFLAGS := -euc
.PHONY: build census test bench soak fuzz lint postgres compiler

build:
	$(GO) build -o bin/ ./cmd/gnucensus

# The lab runs beside the crawl and ends with this recipe, however that ends.
LAB     ?= --ultrapeers 100 --leaves 900 --random-seed 7 --dead 0.1 --firewalled 0.1 --slow 0.02
REPORTS := summary topology sharing freeriders latency agents outcomes

census: postgres
	@rm -f bin/seeds.txt
	echo "gnucensus lab $(LAB) --truth bin/truth.csv"
	bin/gnucensus lab $(LAB) --truth bin/truth.csv >bin/seeds.txt &
	lab=$$!
	trap 'kill $$lab 2>/dev/null; wait $$lab || :' EXIT
	until [ -s bin/seeds.txt ]; do kill -0 $$lab; sleep 0.1; done
	printf '\ngnucensus crawl --scope lab --seeds bin/seeds.txt\n'
	bin/gnucensus crawl --scope lab --seeds bin/seeds.txt
	for report in $(REPORTS); do
		printf '\ngnucensus report %s\n' $$report
		bin/gnucensus report $$report
	done
	printf '\nThe snapshot is kept. What else there is: bin/gnucensus --help\n'

test: postgres compiler
	$(GO) vet ./...
	$(GO) test -race -timeout 20m ./...

bench: postgres
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 1h ./cmd/gnucensus
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 1h ./reports ./reports/graph ./reports/figure
	$(GO) test -run '^$$' -bench Search -benchtime 10x ./servent/lab
	$(GO) test -run '^$$' -bench Ultrapeer -benchtime 20000x ./servent
	$(GO) test -run '^$$' -bench Match -benchtime 1000x ./servent/library
	$(GO) test -run '^$$' -bench . -benchtime 10x ./servent/urn ./servent/transfer

soak: postgres
	GNUCENSUS_TEST_SOAK=$(SOAKTIME) $(GO) test -run TestSoak -count 1 -timeout 24h -v ./cmd/gnucensus

fuzz:
	@for package in $$($(GO) list ./...); do
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package
		done
	done

lint:
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l)
	[ -z "$$unformatted" ] || { echo "not formatted: $$unformatted"; exit 1; }
	$(GO) vet ./...

# What the two commands above need beside Go: the server programs of PostgreSQL and, for the race detector, a C compiler.
# Whatever is missing is installed through the package manager of the system, as root or through sudo. Which server programs
# do, and where they may be, the program itself knows.
postgres: build
	@! GNUCENSUS_DATABASE= bin/gnucensus db status --data /nonexistent --format json | grep -q '"programs":"' || exit 0
	$(call install,the PostgreSQL server,postgresql,postgresql-server,postgresql,postgresql,postgresql-server,postgresql)

compiler:
	@! command -v $$($(GO) env CC) >/dev/null || exit 0
	$(call install,a C compiler (the race detector needs one),gcc libc6-dev,gcc glibc-devel,gcc,gcc musl-dev,gcc,gcc)

# install WHAT, and the packages that hold it for apt, dnf, pacman, apk, zypper and brew
define install
echo "make: $(1) is missing; installing it through the package manager" >&2
root=; [ "$$(id -u)" = 0 ] || root=sudo
if command -v apt-get >/dev/null; then
	$$root apt-get -q update
	$$root env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $(2)
elif command -v dnf >/dev/null; then $$root dnf -y install $(3)
elif command -v pacman >/dev/null; then $$root pacman -Sy --noconfirm --needed $(4)
elif command -v apk >/dev/null; then $$root apk add $(5)
elif command -v zypper >/dev/null; then $$root zypper --non-interactive install $(6)
elif command -v brew >/dev/null; then brew install $(7)
else echo "make: no package manager that this Makefile knows; please install $(1)" >&2; exit 1
fi
endef
