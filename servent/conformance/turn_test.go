package conformance

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestTurnsKeepThePause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := New(Config{Pause: Polite})
		began := time.Now()
		for i := range 4 {
			if err := target.handshakes.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if since := time.Since(began); since != time.Duration(i)*Polite {
				t.Errorf("turn %d after %v", i, since)
			}
		}
		began = time.Now()
		target.pings.wait(t.Context())
		target.pings.wait(t.Context())
		if since := time.Since(began); since != 2*Polite {
			t.Errorf("the second PING after %v", since)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := target.pings.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v at the end of the context", err)
		}
	})
}
