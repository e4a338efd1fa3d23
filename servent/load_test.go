package servent_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnucensus/servent"
	"gnucensus/servent/handshake"
	"gnucensus/servent/link"
	"gnucensus/servent/message"
	"gnucensus/servent/qrp"
)

// loadedAt is the environment variable that makes the test program run a node at that address and nothing else. So what the
// node costs is told from what those cost who load it.
const loadedAt = "SERVENT_TEST_LOADED_NODE"

// A load is what the loaded node says of itself for each line that it reads.
type load struct {
	CPU     time.Duration // of the process, user and system
	Memory  uint64        // bytes on heap and stacks
	Links   int
	Routed  uint64 // messages received and sent
	Queries uint64 // received
	Copies  uint64 // of queries, sent
	Dropped uint64 // copies of queries
}

// runLoaded runs the node until its standard input ends.
func runLoaded(at string) error {
	c := ultrapeer(at)
	c.Slots = servent.Slots{Ultrapeers: 30, Leaves: 300}
	c.HopWait, c.TableWait = 0, 0
	listening := make(chan struct{})
	c.Listen = func(ctx context.Context, network, addr string) (net.Listener, error) {
		defer close(listening)
		return new(net.ListenConfig).Listen(ctx, network, addr)
	}
	n, err := servent.New(c)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- n.Run(ctx) }()
	<-listening
	say := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); err == nil && lines.Scan(); {
		err = say.Encode(weigh(n))
	}
	stop()
	if ended := <-ended; ended != nil {
		return ended
	}
	return err
}

func weigh(n *servent.Node) (l load) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	l.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	l.Memory = memory.HeapInuse + memory.StackInuse
	for _, info := range n.Links() {
		l.Links++
		for _, counts := range []map[message.Type]link.Count{info.Sent, info.Received} {
			for _, c := range counts {
				l.Routed += c.Messages
			}
		}
		l.Queries += info.Received[message.TypeQuery].Messages
		l.Copies += info.Sent[message.TypeQuery].Messages
		l.Dropped += info.Dropped[message.TypeQuery].Messages
	}
	return l
}

// A loadedNode is a node in a process of its own.
type loadedNode struct {
	at   string
	asks io.Writer
	says *json.Decoder
	got  atomic.Uint64 // queries that its neighbours got
}

func startLoaded(tb testing.TB, at string) *loadedNode {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), loadedAt+"="+at), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			tb.Errorf("loaded node: %v", err)
		}
	})
	n := &loadedNode{at: at, asks: in, says: json.NewDecoder(out)}
	n.weigh(tb) // it answers once it listens
	return n
}

func (n *loadedNode) weigh(tb testing.TB) (l load) {
	tb.Helper()
	if _, err := fmt.Fprintln(n.asks); err != nil {
		tb.Fatal(err)
	}
	if err := n.says.Decode(&l); err != nil {
		tb.Fatal(err)
	}
	return l
}

// vocabulary is what files are named after and queries ask for.
const vocabulary = 2000

func word(r *rand.Rand) string { return fmt.Sprintf("word%d", r.IntN(vocabulary)) }

// join links a neighbour that tells a table of so many names. It is as cheap as can be: it looks at nothing but headers.
func (n *loadedNode) join(tb testing.TB, role servent.Role, names int, r *rand.Rand) net.Conn {
	tb.Helper()
	table := qrp.NewTable(1 << 16)
	for range names {
		table.Add(word(r) + " " + word(r))
	}
	conn := connect(tb, n.at)
	ultrapeer := map[servent.Role]string{servent.Ultrapeer: "True", servent.Leaf: "False"}[role]
	s, err := handshake.Dial(within(tb), conn, fields("X-Ultrapeer", ultrapeer, "X-Query-Routing", "0.1", "X-Ultrapeer-Query-Routing", "0.1", "X-Dynamic-Querying", "0.1", "X-Ext-Probes", "0.1",
		"X-Degree", "30", "X-Max-TTL", "4", "Vendor-Message", "0.2"))
	if err != nil {
		tb.Fatal(err)
	}
	bodies := []message.Body{&message.Reset{Slots: uint32(table.Slots()), Infinity: qrp.Infinity}}
	for _, p := range qrp.Patches(nil, table, true) {
		bodies = append(bodies, (*message.Patch)(&p))
	}
	for _, body := range bodies {
		send(tb, conn, message.Message{GUID: message.NewGUID(), TTL: 1, Body: body})
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.count(io.MultiReader(bytes.NewReader(s.Buffered), conn))
	}()
	tb.Cleanup(func() { conn.Close(); <-ended })
	return conn
}

func send(tb testing.TB, conn net.Conn, m message.Message) {
	tb.Helper()
	b, err := message.Append(nil, m)
	if err == nil {
		_, err = conn.Write(b)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// count counts the queries of a stream until it ends.
func (n *loadedNode) count(stream io.Reader) {
	in := bufio.NewReader(stream)
	for {
		header, err := in.Peek(message.HeaderLen)
		if err != nil {
			return
		}
		h, err := message.ParseHeader(header)
		if err != nil {
			return
		}
		if _, err := in.Discard(message.HeaderLen + int(h.Length)); err != nil {
			return
		}
		if h.Type == message.TypeQuery {
			n.got.Add(1)
		}
	}
}

// settled waits until the node has taken so many queries, and the neighbours have got every copy that it sent.
func (n *loadedNode) settled(tb testing.TB, queries uint64) load {
	tb.Helper()
	ctx, look := within(tb), time.NewTicker(10*time.Millisecond)
	defer look.Stop()
	for {
		l := n.weigh(tb)
		if l.Queries == queries && l.Copies == n.got.Load() && l.Copies == n.weigh(tb).Copies {
			return l
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			tb.Fatalf("%d of %d queries came, %d copies were sent and %d came", l.Queries, queries, l.Copies, n.got.Load())
		}
	}
}

// TestNothingIsLost: of queries that come from all sides at once, every copy arrives that was not dropped and counted.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	const ultrapeers, queries = 6, 3000
	n, r := startLoaded(t, "127.30.70.1:6346"), rand.New(rand.NewPCG(1, 1))
	var ups []net.Conn
	for range ultrapeers {
		ups = append(ups, n.join(t, servent.Ultrapeer, 1000, r))
	}
	for range 20 {
		n.join(t, servent.Leaf, 30, r)
	}
	for i := range queries {
		send(t, ups[i%ultrapeers], message.Message{
			GUID: message.NewGUID(), TTL: 3, Body: &message.Query{Flags: message.QueryMark, Words: word(r)},
		})
	}
	if l := n.settled(t, queries); l.Copies+l.Dropped < queries*(ultrapeers-1) {
		t.Errorf("%d queries made %d copies, and %d were dropped", queries, l.Copies, l.Dropped)
	}
}

// BenchmarkUltrapeer loads an ultrapeer of 30 ultrapeer and 300 leaf links with 2,000 queries a second, one in twenty of them a
// leaf's. It prints the CPU time that the node's process takes for each message received or sent, the part of one CPU that it
// keeps busy, and the memory that a link takes when it is idle and after the load.
func BenchmarkUltrapeer(b *testing.B) {
	const ultrapeers, leaves, tick, perTick = 30, 300, 10 * time.Millisecond, 20
	n, r := startLoaded(b, "127.30.71.1:6346"), rand.New(rand.NewPCG(1, 1))
	empty := n.weigh(b)
	var ups, downs []net.Conn
	for range ultrapeers {
		ups = append(ups, n.join(b, servent.Ultrapeer, 1000, r))
	}
	for range leaves {
		downs = append(downs, n.join(b, servent.Leaf, 30, r))
	}
	idle := n.settled(b, 0)
	clock := time.NewTicker(tick)
	defer clock.Stop()
	sent := 0
	for ; b.Loop(); sent++ {
		if sent%perTick == 0 {
			<-clock.C
		}
		from := ups[sent%ultrapeers]
		if sent%20 == 0 {
			from = downs[sent/20%leaves]
		}
		q := &message.Query{Flags: message.QueryMark, Words: word(r) + " " + word(r)}
		send(b, from, message.Message{GUID: message.NewGUID(), TTL: uint8(2 + sent%2), Body: q})
	}
	took := b.Elapsed()
	l := n.settled(b, uint64(sent))
	cpu := l.CPU - idle.CPU
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(l.Routed-idle.Routed), "cpu-ns/message")
	b.ReportMetric(100*cpu.Seconds()/took.Seconds(), "%cpu")
	b.ReportMetric(float64(sent)/took.Seconds(), "queries/s")
	b.ReportMetric(float64(l.Copies)/float64(sent), "copies/query")
	b.ReportMetric(float64(l.Dropped), "dropped")
	b.ReportMetric(float64(idle.Memory-empty.Memory)/(ultrapeers+leaves), "idle-bytes/link")
	b.ReportMetric(float64(l.Memory-empty.Memory)/(ultrapeers+leaves), "loaded-bytes/link")
}
