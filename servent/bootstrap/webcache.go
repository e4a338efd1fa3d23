package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Intervals that keep a client of GWebCaches welcome.
const (
	minPeriod   = time.Hour        // between two requests to one cache
	deadPeriod  = 24 * time.Hour   // after a request that failed
	againPeriod = 10 * time.Minute // after one that never got there: it is as likely our own network that is down
	httpTimeout = 20 * time.Second
)

// An unreachedError is that of a request that was not sent, since there was no connection.
type unreachedError struct{ error }

func (e *unreachedError) Unwrap() error { return e.error }

// WebConfig configures a [WebCaches].
type WebConfig struct {
	Client   string // vendor code of four letters, as caches demand
	Version  string // version of the program
	Agent    string // User-Agent, with project and contact
	OnlyIPv6 bool   // no hosts of IPv4 are of use
	Crawler  bool   // tell caches that this is a crawler, so that they neither list it nor count it as a servent
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error)

	Calendar *Calendar        // nil: one without a file
	Now      func() time.Time // nil: time.Now
}

// WebCaches asks GWebCaches, one request at a time, none of them more often than once an hour or than it demands, and leaves a
// cache that failed alone for a day. It is safe for concurrent use.
type WebCaches struct {
	cfg  WebConfig
	http *http.Client
}

// NewWebCaches returns a client that has asked nobody yet.
func NewWebCaches(cfg WebConfig) (*WebCaches, error) {
	if len(cfg.Client) != 4 || cfg.Version == "" || cfg.Agent == "" || cfg.Dial == nil {
		return nil, errors.New("web caches: a client code of four letters, a version, an agent and a dialler are needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := cfg.Dial(ctx, network, addr)
		if err != nil {
			return nil, &unreachedError{err}
		}
		return c, nil
	}
	if cfg.Calendar == nil {
		cfg.Calendar = &Calendar{next: make(map[string]time.Time)}
	}
	return &WebCaches{
		cfg: cfg,
		http: &http.Client{
			Timeout: httpTimeout,
			// A cache answers once an hour: nothing is gained by an open connection, and proxies are not to speak for us.
			Transport:     &http.Transport{DialContext: dial, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10},
			CheckRedirect: redirects,
		},
	}, nil
}

func redirects(_ *http.Request, via []*http.Request) error {
	if len(via) > 3 {
		return errors.New("more than three redirects")
	}
	return nil
}

// Get asks a cache for hosts and for other caches. It asks in the manner of version 2; a cache that knows only version 1 is
// asked again in its own. An answer without anything useful is an error, as is any status but 200.
func (w *WebCaches) Get(ctx context.Context, cache string) (Reply, error) {
	if err := w.admit(cache); err != nil {
		return Reply{}, fmt.Errorf("ask %s: %w", cache, err)
	}
	reply, err := w.ask(ctx, cache, url.Values{"get": {"1"}, "net": {"gnutella"}, "getudp": {"1"}})
	if err == nil && !reply.Useful() {
		reply, err = w.ask(ctx, cache, url.Values{"hostfile": {"1"}})
	}
	if err == nil && !reply.Useful() {
		err = fmt.Errorf("nothing useful in the reply (%d errors, %d unknown lines)", len(reply.Errors), reply.Unknown)
	}
	return reply, w.settle(cache, reply, err)
}

// Ping asks a cache who it is.
func (w *WebCaches) Ping(ctx context.Context, cache string) (Reply, error) {
	if err := w.admit(cache); err != nil {
		return Reply{}, fmt.Errorf("ping %s: %w", cache, err)
	}
	reply, err := w.ask(ctx, cache, url.Values{"ping": {"1"}, "net": {"gnutella"}})
	if err == nil && reply.Name == "" {
		err = errors.New("no pong in the reply")
	}
	return reply, w.settle(cache, reply, err)
}

// Update tells a cache of this servent, and of another cache that worked, if known is not empty. Only a servent that accepts
// connections, and has for an hour, should: a crawler never does.
func (w *WebCaches) Update(ctx context.Context, cache string, own netip.AddrPort, known string) (Reply, error) {
	if w.cfg.Crawler {
		return Reply{}, errors.New("update a web cache: a crawler is no servent to be listed")
	}
	if err := w.admit(cache); err != nil {
		return Reply{}, fmt.Errorf("update %s: %w", cache, err)
	}
	q := url.Values{"update": {"1"}, "net": {"gnutella"}, "ip": {own.String()}}
	if known != "" {
		q.Set("url", known)
	}
	reply, err := w.ask(ctx, cache, q)
	if err == nil && len(reply.Errors) > 0 {
		err = fmt.Errorf("the cache answers %q", reply.Errors[0])
	}
	return reply, w.settle(cache, reply, err)
}

// admit reserves the cache for one request.
func (w *WebCaches) admit(cache string) error {
	return w.cfg.Calendar.admit(cache, w.cfg.Now(), minPeriod)
}

// settle says when the cache may be asked again, and returns err with the cache's name.
func (w *WebCaches) settle(cache string, reply Reply, err error) error {
	period := max(minPeriod, reply.Period)
	switch {
	case errors.As(err, new(*unreachedError)):
		period = againPeriod
	case err != nil && !errors.Is(err, context.Canceled):
		period = deadPeriod
	}
	if err = errors.Join(err, w.cfg.Calendar.settle(cache, w.cfg.Now(), period)); err != nil {
		return fmt.Errorf("ask %s: %w", cache, err)
	}
	return nil
}

func (w *WebCaches) ask(ctx context.Context, cache string, q url.Values) (Reply, error) {
	u, err := url.Parse(cache)
	if err != nil {
		return Reply{}, fmt.Errorf("parse address: %w", err)
	}
	q.Set("client", w.cfg.Client)
	q.Set("version", w.cfg.Version)
	if w.cfg.Crawler {
		q.Set("crawler", "1")
	}
	if w.cfg.OnlyIPv6 {
		q.Set("ipv6", "2") // 1 asks for both
	}
	u.RawQuery = q.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Reply{}, err
	}
	request.Header.Set("User-Agent", w.cfg.Agent)
	answer, err := w.http.Do(request)
	if err != nil {
		return Reply{}, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return Reply{}, fmt.Errorf("status %s", answer.Status)
	}
	return ParseReply(answer.Body)
}
