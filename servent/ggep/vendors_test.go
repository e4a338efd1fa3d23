package ggep

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGTKGV(t *testing.T) {
	t.Parallel()
	release := time.Unix(0x65e3bd80, 0).UTC() // 3 March 2024, with the commit a331a of Linux
	seen := GTKGVersion{Major: 1, Minor: 2, Patch: 3, Release: release, Build: 14, Commit: "a331", Dirty: true, OS: 3}
	plain := GTKGVersion{Major: 1, Minor: 2, Patch: 3, Release: release, Build: 14}
	dirty := plain
	dirty.Dirty = true
	const fixed = "010203 00 65e3bd80 0000000e"
	for name, c := range map[string]struct {
		id, hex string
		want    GTKGVersion
	}{
		"gtk-gnutella 1.2.3":  {"GTKGV", "01" + fixed + "07 05a33100 03", seen},
		"two bytes of flags":  {"GTKGV", "01" + fixed + "8700 05a33100 03", seen},
		"version 0":           {"GTKGV", "00" + fixed, plain},
		"old key":             {"GTKGV1", fixed, plain},
		"no flags":            {"GTKGV", "01" + fixed, plain},
		"flags without end":   {"GTKGV", "01" + fixed + "82", dirty},
		"commit cut off":      {"GTKGV", "01" + fixed + "07 05a3", dirty},
		"no commit after all": {"GTKGV", "01" + fixed + "07", dirty},
		"no system after all": {"GTKGV", "01" + fixed + "06", dirty},
	} {
		got, ok := Blocks{{ID: c.id, Data: unhex(t, c.hex)}}.GTKGV()
		if diff := cmp.Diff(c.want, got); diff != "" || !ok {
			t.Errorf("%s: found %v: %s", name, ok, diff)
		}
	}
	for _, id := range []string{"GTKGV", "GTKGV1"} {
		if v, ok := (Blocks{{ID: id, Data: make([]byte, 11)}}).GTKGV(); ok {
			t.Errorf("%s of 11 bytes: %+v", id, v)
		}
	}
}

func TestReturnPath(t *testing.T) {
	t.Parallel()
	x := Blocks{
		{ID: "RPS0", Data: unhex(t, "c0000201 18ca")}, {ID: "RPI0", Data: unhex(t, "c0000202 18cb")},
		{ID: "RPH0", Data: []byte{1}}, {ID: "RPT0", Data: []byte{2}},
		{ID: "RPS1", Data: unhex(t, "c00002")},
		{ID: "RPS3", Data: unhex(t, "c0000201 18ca")},
	}
	want := []Relay{
		{From: netip.MustParseAddrPort("192.0.2.1:6346"), Addr: netip.MustParseAddrPort("192.0.2.2:6347"), Hops: 1, TTL: 2},
		{},
	}
	if diff := cmp.Diff(want, x.ReturnPath(), compareAddrs); diff != "" {
		t.Error(diff)
	}
	if got := (Blocks{}).ReturnPath(); got != nil {
		t.Errorf("got %v", got)
	}
}
