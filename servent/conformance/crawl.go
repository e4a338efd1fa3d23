package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"gnucensus/servent/handshake"
)

const crawlSource = "TCP crawler handshake"

var crawlTests = []Test{
	{Name: "crawl/peers", About: "lists its ultrapeers to a crawler",
		Source: crawlSource, Run: crawlPeers},
	{Name: "crawl/leaves", About: "as an ultrapeer, lists its leaves to a crawler",
		Source: crawlSource, Run: crawlLeaves},
	{Name: "crawl/addresses", About: "lists nothing but addresses with ports",
		Source: crawlSource, Run: crawlAddresses},
	{Name: "crawl/agent", About: "tells a crawler its User-Agent",
		Source: crawlSource, Run: crawlAgent},
	{Name: "crawl/closes", About: "closes after the crawl handshake",
		Source: crawlSource, Optional: true, Run: crawlCloses},
}

// A crawl is the crawl handshake of a run: servents answer one in minutes.
type crawl struct {
	code    int
	reason  string
	theirs  handshake.Fields
	keeps   error // why the connection did not end
	trouble error // why there is no answer
	trace   trace
}

// crawled returns the answer to the crawl handshake.
func (t *Target) crawled(ctx context.Context) (*crawl, error) {
	if t.crawl == nil {
		t.crawl = t.askCrawl(ctx)
	}
	t.trace = t.crawl.trace
	return t.crawl, t.crawl.trouble
}

// askCrawl makes the crawl handshake and waits for the end of the connection.
func (t *Target) askCrawl(ctx context.Context) *crawl {
	c, err := t.dial(ctx)
	if err != nil {
		return &crawl{trouble: err}
	}
	defer c.Close()
	a := new(crawl)
	shaking, cancel := t.patience(ctx)
	defer cancel()
	a.code, a.reason, a.theirs, err = handshake.Crawl(shaking, c, handshake.Fields{
		{Name: "User-Agent", Value: t.cfg.Agent},
		{Name: "Remote-IP", Value: t.cfg.Addr.Addr().String()},
		{Name: "X-Ultrapeer", Value: "False"},
		{Name: "X-Query-Routing", Value: "0.1"},
		{Name: "Crawler", Value: "0.1"},
	})
	a.trace = t.trace
	switch refused := (&handshake.Refused{Code: a.code, Reason: a.reason}); {
	case err != nil:
		a.trouble = fmt.Errorf("crawl handshake: %w", err)
	case tooOften(refused):
		a.trouble = refused
	default:
		_, a.keeps = hearOut(shaking, c)
	}
	return a
}

func crawlPeers(ctx context.Context, t *Target) error {
	a, err := t.crawled(ctx)
	if err != nil {
		return err
	}
	if !a.theirs.Has("Peers") {
		return fmt.Errorf("answer %d %q has no Peers", a.code, a.reason)
	}
	return nil
}

// crawlLeaves knows an ultrapeer by what it says to who is no crawler.
func crawlLeaves(ctx context.Context, t *Target) error {
	isUltrapeer, err := t.isUltrapeer(ctx)
	if err != nil {
		return err
	}
	if !isUltrapeer {
		return skip("it is a leaf")
	}
	a, err := t.crawled(ctx)
	if err != nil {
		return err
	}
	if !a.theirs.Has("Leaves") {
		return fmt.Errorf("answer %d %q of an ultrapeer has no Leaves", a.code, a.reason)
	}
	return nil
}

// isUltrapeer tells the role of the target, by its answer to who is no crawler, be it a refusal.
func (t *Target) isUltrapeer(ctx context.Context) (bool, error) {
	e, err := t.enter(ctx)
	if err == nil {
		is, _ := e.answer.Bool("X-Ultrapeer")
		return is, nil
	}
	if e != nil {
		if is, known := e.refusal.Theirs.Bool("X-Ultrapeer"); known {
			return is, nil
		}
	}
	return false, err
}

func crawlAddresses(ctx context.Context, t *Target) error {
	a, err := t.crawled(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"Peers", "Leaves"} {
		for word := range strings.FieldsFuncSeq(a.theirs.Get(name), func(r rune) bool { return r == ',' || r == ' ' }) {
			if addr, err := netip.ParseAddrPort(word); err != nil || addr.Port() == 0 {
				return fmt.Errorf("%s: %q is no address with a port", name, word)
			}
		}
	}
	return nil
}

func crawlAgent(ctx context.Context, t *Target) error {
	a, err := t.crawled(ctx)
	if err != nil {
		return err
	}
	if a.theirs.Get("User-Agent") == "" {
		return errors.New("the answer has no User-Agent")
	}
	return nil
}

func crawlCloses(ctx context.Context, t *Target) error {
	a, err := t.crawled(ctx)
	if err != nil {
		return err
	}
	return a.keeps
}
