package gnutella

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/servent/ggep"
	"gnucensus/servent/message"

	"github.com/google/go-cmp/cmp"
)

// The pong of a host that answers GUESS, and that has its key if it was asked for one.
func guessPong(t *testing.T, guid message.GUID) []byte {
	t.Helper()
	tail, err := ggep.Append(nil, ggep.GUE(2), ggep.QK([]byte{1, 2, 3, 4}))
	if err != nil {
		t.Fatal(err)
	}
	pong := &message.Pong{Addr: netip.MustParseAddrPort("127.63.0.1:6346"), Tail: tail}
	return encode(t, message.Message{GUID: guid, TTL: 1, Body: pong})
}

// A diary is when a host was asked.
type diary struct {
	mu    sync.Mutex
	times []time.Time
}

func (d *diary) note() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.times = append(d.times, time.Now())
}

func (d *diary) all() []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.times
}

// A host is not asked sooner again than its servent allows: by the clock of the host, from one question to the next on the
// same subject, also where the first had to wait for its turn, and from the end of an earlier run to the first question of a
// resumed one.
func TestNobodyIsAskedTooSoonAgain(t *testing.T) {
	t.Parallel()
	const again = 300 * time.Millisecond
	for name, limits := range map[string]pace.Limits{
		"at once":         {Scope: pace.Lab},
		"after its turn":  {Scope: pace.Lab, Datagrams: pace.Rates{Host: 4}},
		"after a jitter":  {Scope: pace.Lab, Jitter: 200 * time.Millisecond},
		"slowly, and all": {Scope: pace.Lab, Datagrams: pace.Rates{Total: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothWays(t, func(t *testing.T, visit visiting) {
				var asked diary
				e := script{ip: "127.63.1.1", udp: func(d []byte) [][]byte {
					asked.note()
					return [][]byte{guessPong(t, message.GUID(d[:16]))}
				}}.play(t)
				ended := time.Now()
				p := newProber(t, func(c *Config) {
					out, err := pace.New(limits)
					if err != nil {
						t.Fatal(err)
					}
					c.Net, c.Wire = out, func() (Wire, error) { return out.Wire() }
					c.Methods = []probe.Method{probe.UDPPing, probe.Guess}
					c.Patient, c.AskedUntil = true, ended
				})
				for i := range p.steps {
					p.steps[i].again = again
				}
				for range 3 {
					visit(p, t.Context(), e)
				}
				times := asked.all()
				if len(times) != 6 {
					t.Fatalf("the host was asked %d times", len(times))
				}
				before := ended
				for i, at := range times {
					if at.Sub(before) < again {
						t.Errorf("question %d came %v after the one before it", i, at.Sub(before))
					}
					before = at
				}
			})
		})
	}
}

// A host whose PONG gets lost, and that takes no leaves, is asked once more.
func TestALostPongIsAskedForAgain(t *testing.T) {
	t.Parallel()
	inBothWays(t, func(t *testing.T, visit visiting) {
		gtk := captures(t, "gtk-gnutella.txt")
		pings := 0
		e := script{
			ip: "127.63.1.2",
			udp: func(d []byte) [][]byte {
				if pings++; pings == 1 {
					return nil
				}
				return [][]byte{answering(message.GUID(d[:16]), gtk["udp-pong-leaf"])}
			},
			tcp: []act{crawled(string(gtk["crawl-leaf"])), crawled("GNUTELLA/0.6 503 I am a leaf\r\n\r\n")},
		}.play(t)
		seen := visit(newProber(t, func(c *Config) { c.UDP = 3 * time.Second }), t.Context(), e)
		var got []string
		for _, o := range seen {
			got = append(got, fmt.Sprintf("%s %s", o.Method, o.Outcome))
		}
		want := []string{"udp-ping silent", "tcp-crawl answered", "leaf refused", "udp-ping answered"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("conversations (-want +got):\n%s", diff)
		}
		if files := seen[3].Files; files == nil || *files != 2 {
			t.Errorf("files %v", files)
		}
	})
}

// A sleepy wire is that of a process which the system keeps from running for a while, when it has sent a datagram and looked
// for events.
type sleepyWire struct {
	Wire
	sent  bool
	sleep func()
}

func (w *sleepyWire) Send(to netip.AddrPort, b []byte) (time.Duration, error) {
	w.sent = true
	return w.Wire.Send(to, b)
}

func (w *sleepyWire) Poll(until time.Time, datagram func(netip.AddrPort, []byte, error), stream func(uint32, []byte, error)) error {
	if !w.sent {
		return w.Wire.Poll(until, datagram, stream)
	}
	w.sent = false
	defer w.sleep()
	return w.Wire.Poll(time.Now(), datagram, stream)
}

// An answer that came in time, and waits to be read because this process did not run, is no silence.
func TestAnAnswerThatWaitsToBeReadCounts(t *testing.T) {
	t.Parallel()
	pong := captures(t, "gtk-gnutella.txt")["udp-pong-ultrapeer"]
	answered := make(chan struct{})
	e := script{ip: "127.63.1.3", udp: func(d []byte) [][]byte {
		close(answered)
		return [][]byte{answering(message.GUID(d[:16]), pong)}
	}}.play(t)
	const wait = 50 * time.Millisecond
	p := newProber(t, func(c *Config) {
		c.Methods, c.UDP = []probe.Method{probe.UDPPing}, wait
		inner := c.Wire
		c.Wire = func() (Wire, error) {
			w, err := inner()
			return &sleepyWire{Wire: w, sleep: func() {
				<-answered
				<-time.After(2 * wait)
			}}, err
		}
	})
	if o := surveyed(t, p, t.Context(), e)[0].Observations[0]; o.Outcome != probe.Answered {
		t.Errorf("%v after %v", o.Outcome, o.Took)
	}
}
