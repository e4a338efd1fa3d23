package exchange_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gnucensus/probe"
	"gnucensus/reports/exchange"
	"gnucensus/storage/smalldisk"
	"gnucensus/storage/storagetest"
)

// A disk that is full leaves an error and no half of a file.
func TestExportToAFullDisk(t *testing.T) {
	t.Parallel()
	dir := smalldisk.Mount(t, "64k")
	db := storagetest.New(t)
	var obs []probe.Observation
	for i := range 3000 {
		host := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), 6346)
		o := talk(host.String(), probe.UDPPing, probe.Answered)
		o.Agent = fmt.Sprintf("nobody compresses %x", i*i*7919)
		obs = append(obs, o)
	}
	id := record(t, db, obs)
	for contents, name := range map[string]string{exchange.Hosts: "hosts.csv", exchange.All: "all"} {
		err := exchange.Export(t.Context(), db, exchange.Request{
			Contents: contents, Path: filepath.Join(dir, name), Ending: ".csv", Snapshot: id,
		})
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no space left on device") {
			t.Errorf("%s: error %v", contents, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > 0 {
			t.Errorf("%s: error %v, left: %v", contents, err, entries)
		}
	}
}
