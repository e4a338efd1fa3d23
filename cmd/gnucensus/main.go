// Command gnucensus takes a census of the Gnutella network: it walks the network, visits each servent once per snapshot,
// asks queries, keeps what was seen in PostgreSQL, and reports on it.
//
// Standard output is data, standard error is talk. The exit code is 0 when the work is done, 1 when it failed, 2 when the
// command line was wrong, and 3 when a signal cut the work short.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal ends the work cleanly. The handler is gone after it, so a second one kills.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	p := &program{stdin: os.Stdin, stdout: os.Stdout, talk: newTalk(os.Stderr)}
	os.Exit(p.run(ctx, os.Args))
}
