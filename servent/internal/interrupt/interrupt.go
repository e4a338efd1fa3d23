// Package interrupt lets a context end a blocked read or write of a network connection, which package net does by deadlines
// alone.
package interrupt

import (
	"context"
	"errors"
	"os"
	"time"
)

// past is a moment long gone: as a deadline it ends pending reads and writes at once.
var past = time.Unix(1, 0)

// Until makes the end of ctx end the reads or writes that set governs; set is SetDeadline, SetReadDeadline or
// SetWriteDeadline of a connection. The caller calls stop once the reads or writes are done: it takes the deadline away
// again, and afterwards the end of ctx touches the connection no more.
//
// The deadline of ctx is not set as that of the connection: the connection could be a moment ahead, and its error would then
// come while ctx has none.
func Until(ctx context.Context, set func(time.Time) error) (stop func()) {
	ended := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(ended)
		set(past) // an error means a closed connection, and the read or write will say so
	})
	return func() {
		if !cancel() {
			<-ended
			set(time.Time{})
		}
	}
}

// Err returns the error of ctx, [context.Canceled] or [context.DeadlineExceeded], when err is nothing but the deadline by
// which ctx ended a read or write, and err otherwise.
func Err(ctx context.Context, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
