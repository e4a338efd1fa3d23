package servent

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"gnucensus/servent/ggep"
)

// TestAnnouncing: a web cache is told of an ultrapeer that can be connected to, once an hour, and of nobody else.
func TestAnnouncing(t *testing.T) {
	t.Parallel()
	told := make(chan string, 8)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told <- r.FormValue("ip")
		io.WriteString(w, "I|update|OK\n")
	}))
	defer web.Close()
	for name, test := range map[string]struct {
		role    Role
		addr    string
		reached bool
		want    int
	}{
		"ultrapeer": {Ultrapeer, "127.20.70.1:6346", true, 1},
		"unreached": {Ultrapeer, "127.20.70.1:6346", false, 0},
		"leaf":      {Leaf, "127.20.70.1:6346", true, 0},
		"IPv6":      {Ultrapeer, "[::1]:6346", true, 0},
	} {
		n, err := New(Config{
			Addr: netip.MustParseAddrPort(test.addr), Role: test.role, Agent: "test/1",
			Vendor:    ggep.Vendor{Code: [4]byte([]byte("TEST"))},
			Bootstrap: Bootstrap{Links: 1, WebCaches: []string{web.URL}},
		})
		if err != nil {
			t.Fatal(err)
		}
		n.reached.Store(test.reached)
		for range 2 {
			n.keeper.announce(t.Context())
		}
		if len(told) != test.want {
			t.Errorf("%s: told %d times", name, len(told))
		}
		for range len(told) {
			if ip := <-told; ip != test.addr {
				t.Errorf("%s: told of %s", name, ip)
			}
		}
	}
}
