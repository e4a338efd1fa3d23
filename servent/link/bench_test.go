package link

import (
	"runtime"
	"testing"

	"gnucensus/servent/message"
)

// BenchmarkMessages tells how many messages one link carries, in one direction over loopback.
func BenchmarkMessages(b *testing.B) {
	for name, deflate := range map[string]bool{"plain": false, "deflated": true} {
		b.Run(name, func(b *testing.B) {
			from, to := pair(b, deflate)
			run(b, b.Context(), from)
			messages := make([]message.Message, 1000)
			for i := range messages {
				messages[i] = ping(make([]byte, 60)...)
			}
			window := make(chan struct{}, 500) // messages on their way, so that the queue does not fill
			b.ReportAllocs()
			b.ResetTimer()
			go func() {
				for i := range b.N {
					select {
					case window <- struct{}{}:
					case <-b.Context().Done():
						return
					}
					if err := from.Send(messages[i%len(messages)]); err != nil {
						b.Error(err)
					}
				}
			}()
			for range b.N {
				receive(b, to)
				<-window
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// BenchmarkMemory tells what an established link holds, its connection and the goroutines that write and read included.
func BenchmarkMemory(b *testing.B) {
	for name, deflate := range map[string]bool{"plain": false, "deflated": true} {
		b.Run(name, func(b *testing.B) {
			links := make([]*Link, 0, 2*b.N)
			before := memory()
			for range b.N {
				near, far := pair(b, deflate)
				links = append(links, near, far)
			}
			for _, l := range links {
				run(b, b.Context(), l)
				go l.Receive(b.Context())
				if err := l.Send(ping()); err != nil {
					b.Fatal(err)
				}
			}
			for _, l := range links {
				for l.Counters().WireReceived == 0 {
					runtime.Gosched()
				}
			}
			b.ReportMetric(float64(memory()-before)/float64(len(links)), "bytes/link")
			runtime.KeepAlive(links)
		})
	}
}

// memory returns the bytes in use on the heap and on stacks.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse + stats.StackInuse
}

// BenchmarkInflate tells how fast a stream is inflated.
func BenchmarkInflate(b *testing.B) {
	s := readSession(b, "gtk-gnutella-leaf")
	wire := s.wire()
	b.SetBytes(int64(len(s.stream())))
	for b.Loop() {
		if _, err := drain(newInflater(), wire); err != nil {
			b.Fatal(err)
		}
	}
}
