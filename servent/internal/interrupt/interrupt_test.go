package interrupt

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// A read that is blocked ends with the context, and later reads are not touched.
func TestUntil(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		context func(context.Context) (context.Context, context.CancelFunc)
		want    error
	}{
		"cancelled": {context.WithCancel, context.Canceled},
		"out of time": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		}, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer far.Close()
				defer near.Close()
				ctx, cancel := test.context(t.Context())
				defer cancel()
				result := make(chan error)
				go func() {
					stop := Until(ctx, near.SetReadDeadline)
					_, err := near.Read(make([]byte, 1))
					stop()
					result <- Err(ctx, err)
				}()
				synctest.Wait() // the read is blocked
				if _, timed := ctx.Deadline(); !timed {
					cancel()
				}
				if err := <-result; err != test.want {
					t.Errorf("read: %v, want %v", err, test.want)
				}
				go far.Write([]byte{1})
				if n, err := near.Read(make([]byte, 1)); n != 1 || err != nil {
					t.Errorf("read afterwards: %d, %v", n, err)
				}
			})
		})
	}
}

// A context that outlives the read leaves no mark on the connection when it ends.
func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		defer near.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		stop := Until(ctx, near.SetReadDeadline)
		stop()
		cancel()
		go func() {
			<-time.After(time.Hour) // of the fake clock
			far.Write([]byte{1})
		}()
		if n, err := near.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("read: %d, %v", n, err)
		}
	})
}

func TestErr(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	other := errors.New("other")
	for _, test := range []struct {
		ctx       context.Context
		err, want error
	}{
		{ended, os.ErrDeadlineExceeded, context.Canceled},
		{ended, other, other},
		{ended, nil, nil},
		{t.Context(), os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
	} {
		if got := Err(test.ctx, test.err); got != test.want {
			t.Errorf("Err(%v, %v) = %v, want %v", test.ctx.Err(), test.err, got, test.want)
		}
	}
}
