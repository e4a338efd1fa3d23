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

// outliveReader makes it an error of writing when nobody reads standard output or standard error any more, as after
// "2>&1 | head -1". It would end the process, and a crawl without a reader is to go on: what it says is lost, what it sees is not.
// A handler that does nothing serves, and unlike a signal that is ignored it is not passed on to PostgreSQL.
func outliveReader() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}
