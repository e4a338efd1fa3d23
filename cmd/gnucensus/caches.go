package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"gnucensus/probe"
	"gnucensus/servent/bootstrap"
	"gnucensus/storage"
)

// Caches are where a walk without seeds begins: servers that name hosts which are online.
type caches struct {
	UDP []string // host:port
	Web []string // addresses of http or https
}

const cacheHint = `A cache is a UDP host cache, HOST:PORT, or a GWebCache, http://HOST/PATH. To begin with hosts: --seed, --seeds.`

// readCaches reads the caches of the command line.
func readCaches(given []string) (list caches, err error) {
	for _, s := range given {
		u, err := url.Parse(s)
		switch {
		case err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "":
			list.Web = append(list.Web, s)
		case isMachine(s):
			list.UDP = append(list.UDP, s)
		default:
			return caches{}, usage(cacheHint, "--cache: %q is neither HOST:PORT nor the address of a web page", s)
		}
	}
	return list, nil
}

func isMachine(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return false
	}
	addr, err := netip.ParseAddrPort("0.0.0.0:" + port)
	return err == nil && addr.Port() != 0
}

// knownCaches are those that the live network is known by.
func knownCaches() caches {
	return caches{UDP: bootstrap.DefaultUDPCaches, Web: bootstrap.DefaultWebCaches}
}

func (list caches) empty() bool { return len(list.UDP)+len(list.Web) == 0 }

// machines names what must be connected to: web servers that redirect to TLS do so at their usual port.
func (list caches) machines() []string {
	names := slices.Clone(list.UDP)
	for _, s := range list.Web {
		u, err := url.Parse(s)
		if err != nil {
			continue // readCaches has parsed it
		}
		names = append(names, net.JoinHostPort(u.Hostname(), "443"))
		if port := u.Port(); port != "" {
			names = append(names, u.Host)
		} else if u.Scheme == "http" {
			names = append(names, net.JoinHostPort(u.Hostname(), "80"))
		}
	}
	return names
}

// Seeds of an earlier snapshot: so many are asked for, and so few would not be relied on.
const (
	mostOldSeeds = 100
	fewOldSeeds  = 10
)

// findSeeds finds hosts to begin with. Caches that were named are asked; if none was, the hosts of an earlier snapshot of the
// same scope spare the caches that the world knows.
func (p *program) findSeeds(ctx context.Context, c *census, db *storage.DB, named caches) ([]probe.Endpoint, error) {
	if named.empty() {
		seeds, err := oldSeeds(ctx, db, c.Scope)
		if err != nil {
			return nil, err
		}
		if len(seeds) >= fewOldSeeds {
			fmt.Fprintf(p.talk, "begins with %s of an earlier snapshot\n", many(len(seeds), "host"))
			return seeds, nil
		}
		named = knownCaches()
	}
	fmt.Fprintf(p.talk, "asks for hosts: %s, then %s\n", many(len(named.UDP), "UDP host cache"), many(len(named.Web), "web cache"))
	seeder, err := newSeeder(probe.Gnutella, c.settings, c.pacer, named, p.log)
	if err != nil {
		return nil, err
	}
	seeds, err := seeder.Seeds(ctx)
	if err != nil {
		return nil, advise(err, seedsHint)
	}
	fmt.Fprintf(p.talk, "begins with %s\n", many(len(seeds), "host"))
	return seeds, nil
}

// oldSeeds returns ultrapeers that answered in the last crawl of the same scope.
func oldSeeds(ctx context.Context, db *storage.DB, scope string) ([]probe.Endpoint, error) {
	infos, err := db.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	for _, info := range slices.Backward(infos) {
		var s settings
		if info.Network != string(probe.Gnutella) || json.Unmarshal(info.Configuration, &s) != nil || s.Scope != scope {
			continue
		}
		seeds, err := db.Ultrapeers(ctx, info.ID, mostOldSeeds)
		if err != nil || len(seeds) > 0 {
			return seeds, err
		}
	}
	return nil, nil
}

// memory opens what is remembered between runs of hosts of a servent that ran here, and when the caches of the network may be
// asked again.
func memory() (*bootstrap.HostFile, *bootstrap.Calendar, error) {
	dir, err := memoryDir()
	if err != nil {
		return nil, nil, err
	}
	hosts, err1 := bootstrap.OpenHostFile(filepath.Join(dir, "hosts"))
	calendar, err2 := bootstrap.OpenCalendar(filepath.Join(dir, "caches"))
	return hosts, calendar, errors.Join(err1, err2)
}

// memoryDir makes the folder for what is remembered between runs beside the database: in the user's folder for caches.
func memoryDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find folder for what is remembered: %w", err)
	}
	dir = filepath.Join(dir, "gnucensus")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make folder for what is remembered: %w", err)
	}
	return dir, nil
}
