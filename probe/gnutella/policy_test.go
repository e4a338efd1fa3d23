package gnutella

import (
	"slices"
	"testing"

	"gnucensus/probe"

	"github.com/google/go-cmp/cmp"
)

// asked plays a visit to a host that answers each method as given, and returns what it was asked, in order. Who has no
// answer to a method is silent to datagrams, and listens to nobody.
func asked(ipv6 bool, methods []probe.Method, answers ...probe.Observation) []probe.Method {
	var seen visit
	var order []probe.Method
	for _, s := range policy {
		if !slices.Contains(methods, s.method) || !s.when(seen) {
			continue
		}
		o := probe.Observation{Method: s.method, Outcome: probe.ConnectionRefused}
		if s.asks == pinging || s.asks == crawlingUDP {
			o.Outcome = probe.Silent
		}
		for i, a := range answers {
			if a.Method == s.method {
				o, answers = a, slices.Delete(slices.Clone(answers), i, i+1)
				break
			}
		}
		o.Addr = four
		if ipv6 {
			o.Addr = six
		}
		seen, order = append(seen, o), append(order, s.method)
	}
	return order
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	const ping, udp, tcp, leaf, try, guess = probe.UDPPing, probe.UDPCrawl, probe.TCPCrawl, probe.Leaf, probe.XTryHarvest, probe.Guess
	files := int64(0)
	pong := probe.Observation{Method: ping, Outcome: probe.Answered, Role: probe.Ultrapeer, Files: &files}
	lists := probe.Observation{Method: udp, Outcome: probe.Answered, Agent: "x/1"}
	with := func(o probe.Observation, key, value string) probe.Observation {
		o.Fields = map[string]string{key: value}
		return o
	}
	crawl := func(o probe.Outcome, code string) probe.Observation {
		return with(probe.Observation{Method: tcp, Outcome: o}, fieldCode, code)
	}
	named := crawl(probe.Refused, "503")
	named.Peers = peers(probe.XTry, "192.0.2.1:6346")
	nameless := lists
	nameless.Agent = ""
	gtk := with(pong, fieldVendor, "GTKG/83")
	linked := probe.Observation{Method: leaf, Outcome: probe.Answered, Files: &files}
	lost := probe.Observation{Method: ping, Outcome: probe.Silent}
	for _, test := range []struct {
		what    string
		answers []probe.Observation
		want    []probe.Method
	}{
		{"nobody", nil, list(ping, tcp)},
		{"tells all by UDP", []probe.Observation{pong, lists}, list(ping, udp)},
		{"has no room for agents", []probe.Observation{pong, nameless}, list(ping, udp, tcp)},
		{"trims its lists", []probe.Observation{pong, with(lists, fieldTrimmed, "true")}, list(ping, udp, tcp)},
		{"speaks IPv6 too", []probe.Observation{with(pong, fieldIPv6, "2001:db8::1"), lists}, list(ping, udp, tcp)},
		{"no UDP", []probe.Observation{crawl(probe.Answered, "593")}, list(ping, tcp, leaf, ping)},
		{"no UDP, but a link", []probe.Observation{crawl(probe.Answered, "593"), linked}, list(ping, tcp, leaf)},
		{"no UDP crawler, no TCP", []probe.Observation{pong}, list(ping, udp, tcp)},
		{"long lists get lost", []probe.Observation{gtk}, list(ping, udp, tcp, udp)},
		{"long lists come by TCP", []probe.Observation{gtk, crawl(probe.Answered, "200")}, list(ping, udp, tcp)},
		{"answers GUESS", []probe.Observation{with(pong, fieldGuess, "02"), lists}, list(ping, udp, guess)},
		{"unsupported", []probe.Observation{pong, crawl(probe.Unsupported, "200")}, list(ping, udp, tcp, leaf)},
		{"full, and measured", []probe.Observation{pong, crawl(probe.Refused, "503")}, list(ping, udp, tcp, try)},
		{"full, and names others", []probe.Observation{pong, named}, list(ping, udp, tcp)},
		{"full, not measured", []probe.Observation{crawl(probe.Refused, "503")}, list(ping, tcp, leaf, ping)},
		{"PONG lost", []probe.Observation{lost, crawl(probe.Answered, "200"), pong}, list(ping, tcp, leaf, ping)},
		{"refused for now", []probe.Observation{crawl(probe.Refused, "403")}, list(ping, tcp)},
		{"banned", []probe.Observation{crawl(probe.Refused, "429")}, list(ping, tcp)},
		{"hostile to us", []probe.Observation{crawl(probe.Refused, "550")}, list(ping, tcp)},
		{"firewalled", []probe.Observation{crawl(probe.ConnectTimeout, "")}, list(ping, tcp)},
		{"garbage", []probe.Observation{crawl(probe.Garbage, "")}, list(ping, tcp)},
		{"hangs up at 0.6", []probe.Observation{crawl(probe.Closed, "")}, list(ping, tcp, leaf)},
		{"hangs up, but answered", []probe.Observation{pong, crawl(probe.Closed, "")}, list(ping, udp, tcp)},
	} {
		if diff := cmp.Diff(test.want, asked(false, Methods(), test.answers...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.what, diff)
		}
	}
	if diff := cmp.Diff(list(ping, udp, tcp), asked(true, Methods(), pong, lists)); diff != "" {
		t.Errorf("at an IPv6 address (-want +got):\n%s", diff)
	}
	for _, methods := range [][]probe.Method{{ping}, {udp}, {tcp}, {leaf}, {try}, {guess}, {udp, leaf}} {
		if diff := cmp.Diff(methods, asked(false, methods)); diff != "" {
			t.Errorf("by %q alone (-want +got):\n%s", methods, diff)
		}
	}
}

func list(methods ...probe.Method) []probe.Method { return methods }
