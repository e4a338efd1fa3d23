package servent

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/message"
	"gnucensus/servent/transfer"
)

// lime are the vendor messages that LimeWire 5.5.16 lists ("leaf session" of a capture).
var lime = []message.SupportedMessage{
	{Vendor: message.LIME, Selector: 8, Version: 1}, {Vendor: message.LIME, Selector: 21, Version: 1},
	{Vendor: message.LIME, Selector: 25, Version: 1}, {Vendor: message.LIME, Selector: 6, Version: 1},
	{Vendor: message.LIME, Selector: 13, Version: 1}, {Vendor: message.BEAR, Selector: 7, Version: 1},
	{Vendor: message.BEAR, Selector: 4, Version: 1}, {Vendor: message.LIME, Selector: 7, Version: 1},
	{Vendor: message.LIME, Selector: 33, Version: 1}, {Vendor: message.GTKG, Selector: 7, Version: 2},
	{Vendor: message.BEAR, Selector: 11, Version: 1},
}

// TestLimeWireGetsAPushProxy, although it does not list the acknowledgement that it reads.
func TestLimeWireGetsAPushProxy(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		leaf, id := r.plays(Leaf, modern), message.NewGUID()
		leaf.supports(lime...)
		leaf.says(message.Message{GUID: id, TTL: 1, Body: (&message.PushProxyRequest{}).Vendor()})
		acks, about := told[*message.PushProxyAck](leaf)
		if len(acks) != 1 || about[0] != id || acks[0].Addr != r.cfg.Addr || acks[0].Version != 2 {
			t.Errorf("acknowledgements %+v of %v", acks, about)
		}
	}, func(c *Config) { c.Uploads = &transfer.Config{} })
}

// TestLimeWireIsTheGuideOfALeaf: it takes the status of queries, although it lists the request for it alone.
func TestLimeWireIsTheGuideOfALeaf(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		up := r.plays(Ultrapeer, modern)
		up.supports(lime...)
		synctest.Wait()
		_, stop := r.searching("apple")
		_, messages := heard[*message.Query](up)
		if len(messages) != 1 {
			t.Fatalf("queries %+v", messages)
		}
		up.hits(messages[0].GUID, statusChange)
		stop()
		status, _ := told[*message.QueryStatus](up)
		if len(status) != 2 || status[0].Results != statusChange || status[1].Results != message.QueryStop {
			t.Errorf("told %+v", status)
		}
	}, func(c *Config) { c.Role, c.Slots.Leaves = Leaf, 0 })
}

// TestLimeWireHelpsByOthers: that nobody connects proves little where LimeWire was asked alone, which connects to nobody itself.
func TestLimeWireHelpsByOthers(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		for helping := 1; helping <= enoughHelp; helping++ {
			up := r.plays(Ultrapeer, modern)
			up.supports(lime...)
			if tcp, _ := told[*message.TCPConnectBack](up); len(tcp) != 1 {
				t.Errorf("helper %d is asked %d times", helping, len(tcp))
			}
			time.Sleep(helpWait)
			synctest.Wait()
			if got := r.walled(); got != (helping == enoughHelp) {
				t.Errorf("with %d helpers: firewalled %t", helping, got)
			}
		}
	}, leafWithFiles)
}

// TestHelpersOfOldAndNear: a helper is asked in the version that it reads, and one on the node's own host not at all.
func TestHelpersOfOldAndNear(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		near := r.playsFrom(r.cfg.Addr.Addr().String(), modern)
		near.supports(helping...)
		synctest.Wait()
		if tcp, _ := told[*message.TCPConnectBack](near); len(tcp) > 0 {
			t.Error("asked where no firewall stands between")
		}
		old := r.playsFrom("127.64.1.2", modern)
		old.supports(message.SupportedMessage{Vendor: message.BEAR, Selector: 7, Version: 1},
			message.SupportedMessage{Vendor: message.GTKG, Selector: 7, Version: 1})
		udp, _ := told[*message.UDPConnectBack](old)
		if len(udp) != 1 || udp[0].Version != 1 || udp[0].GUID == (message.GUID{}) || udp[0].Port != r.cfg.Addr.Port() {
			t.Fatalf("asked %+v", udp)
		}
		r.pinged(udp[0].GUID)
		r.came(netip.MustParseAddr("127.64.1.2"))
	}, leafWithFiles)
}

// TestLimeWireIsNotToldOfTLS that is not its own, by a servent that is to be understood by all.
func TestLimeWireIsNotToldOfTLS(t *testing.T) {
	t.Parallel()
	for tells, dialect := range map[bool]Dialect{true: GTKG, false: Modern} {
		inRig(t, func(r *rig) {
			p := r.plays(Ultrapeer, modern)
			p.says(message.Message{GUID: message.NewGUID(), TTL: 1, Body: &message.Ping{}})
			pongs, _ := heard[*message.Pong](p)
			if len(pongs) != 1 || pongs[0].GGEP().TLS() != tells {
				t.Errorf("PONGs %+v; want one with TLS %t", pongs, tells)
			}
		}, func(c *Config) { c.TLS, c.Dialect = true, dialect })
	}
}
