package pace

import (
	"errors"
	"log/slog"
	"math"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A brake slows the census down when this side is the limit: it is out of ports, descriptors or buffers, or a table of the
// way out, as an address translator has, is full. The first shows in errors. The second shows in nothing coming back any
// more, from nobody, where something came from many before. At each sign the pace is halved, and doubled after some time
// without one, until it is as fast as it was.
type brake struct {
	log *slog.Logger

	mu     sync.Mutex
	rate   float64       // packets a second; 0: the brake is off
	next   time.Duration // when the next packet may leave, since the start of the pacer
	turned time.Duration // when the rate was last changed
	before float64       // rate at which the brake was put on

	second    int64 // whose packets are counted
	now, last int   // packets in it, and in the one before

	back   float64 // share of attempts to connect that something came back from, lately
	silent int     // attempts in a row that nothing came back from
	tried  int
	life   time.Duration // when something came back last
	since  time.Duration // when the row became suspicious; 0: it is not
}

const (
	calm = 5 * time.Second // without a sign, after which the pace is doubled
	// A row of silent attempts is suspicious when by chance it would come once in a thousand million.
	chance = 1e-9
	warmUp = 64 // attempts before there is a share to speak of
	weight = 1.0 / 256
	// Entries of an address translator end within minutes. Who is silent for longer at half of the pace is so by himself.
	suspicion = 2 * time.Minute
)

// errOurs says that an attempt failed by our own side.
type errOurs struct{ error }

func (e errOurs) Unwrap() error { return e.error }

// LocalLimit tells package probe what the error means.
func (errOurs) LocalLimit() bool { return true }

// wait returns how long the brake holds a packet back.
func (b *brake) wait(now time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rate == 0 {
		return 0
	}
	if now-b.turned >= calm && b.since == 0 {
		b.turned = now
		if b.rate *= 2; b.rate >= b.before {
			b.rate = 0
			b.log.Info("back to full pace")
			return 0
		}
	}
	return max(0, b.next-now)
}

// pass counts a packet.
func (b *brake) pass(now time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := int64(now / time.Second); s != b.second {
		b.last = 0
		if s == b.second+1 {
			b.last = b.now
		}
		b.second, b.now = s, 0
	}
	b.now++
	if b.rate > 0 {
		b.next = max(b.next, now) + time.Duration(float64(time.Second)/b.rate)
	}
}

// put halves the pace, once a second at most.
func (b *brake) put(now time.Duration, why error) {
	switch {
	case b.rate == 0:
		b.before = float64(max(b.now, b.last, 2))
		b.rate = b.before / 2
	case now-b.turned < time.Second:
		return
	default:
		b.rate = max(1, b.rate/2)
	}
	b.turned = now
	b.log.Warn("this side is the limit, slowing down", "rate", math.Round(b.rate), "err", why)
}

var errNothingBack = errors.New("nothing comes back from anybody: the way out is full, as an address translator's table")

// sent takes the result of sending a datagram, or of opening a socket.
func (b *brake) sent(now time.Duration, err error) error {
	if err == nil || !ours(err) {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(now, err)
	return errOurs{err}
}

// dialled takes the result of an attempt to connect that was not cut off, and returns it, as our own failure where it is. A
// timeout comes late: if something came back after the attempt was begun, the way out was open then, so it is the host's.
func (b *brake) dialled(begun, now time.Duration, err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var timeout net.Error
	switch {
	case err != nil && ours(err):
		b.put(now, err)
		return errOurs{err}
	case errors.As(err, &timeout) && timeout.Timeout() && begun < b.life:
		b.tried++
		b.back *= 1 - weight
		return err
	case errors.As(err, &timeout) && timeout.Timeout():
		b.silent++
		if b.tried++; b.suspicious(now) {
			return errOurs{err}
		}
		return err
	}
	b.tried++
	b.back *= math.Pow(1-weight, float64(b.silent))
	b.back += (1 - b.back) * weight
	b.silent, b.since, b.life = 0, 0, now
	return err
}

// suspicious tells whether the row of silent attempts says more of us than of the hosts.
func (b *brake) suspicious(now time.Duration) bool {
	if b.tried < warmUp || b.back == 0 || float64(b.silent)*math.Log1p(-b.back) > math.Log(chance) {
		return false
	}
	if b.since == 0 {
		b.since = now
	}
	if now-b.since > suspicion {
		b.back, b.since = 0, 0 // it has been them
		return false
	}
	b.put(now, errNothingBack)
	return true
}

// came says that a datagram came.
func (b *brake) came(now time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.silent, b.since, b.life = 0, 0, now
}

// ours tells whether an error is one of this machine.
func ours(err error) bool {
	for _, e := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// tryAgain tells whether an attempt that failed by our own side is to be made once more.
func tryAgain(err error, attempt int) bool {
	var local errOurs
	return attempt < 3 && errors.As(err, &local) && !os.IsTimeout(local.error)
}
