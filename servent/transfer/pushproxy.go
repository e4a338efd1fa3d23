package transfer

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"gnucensus/servent/handshake"
	"gnucensus/servent/internal/interrupt"
	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

// A PushFunc sends a PUSH for a file to a firewalled servent, which is to connect to the downloader. It tells whether there was
// a way to send it.
type PushFunc func(servent message.GUID, index uint32, downloader netip.AddrPort) bool

// pushProxyPaths are those under which a push proxy is asked. Only the first one is written.
var pushProxyPaths = []string{"/gnutella/push-proxy?", "/gnutella/pushproxy?", "/gnet/push-proxy?"}

// parsePushTarget reads what stands behind such a path: ServerId, the GUID of a servent in base 32, with padding or without, or
// guid in hexadecimal digits, and file, an index. Names are read in any case.
func parsePushTarget(text string) (t target, ok bool) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return target{}, false
	}
	t.service = pushProxy
	for name, value := range values {
		var id []byte
		switch strings.ToLower(name) {
		case "serverid":
			id, err = urn.Base32.DecodeString(strings.ToUpper(strings.TrimRight(value[0], "=")))
		case "guid":
			id, err = hex.DecodeString(value[0])
		case "file":
			index, err := strconv.ParseUint(value[0], 10, 32)
			if err != nil {
				return target{}, false
			}
			t.index = uint32(index)
			continue
		default:
			continue
		}
		if err != nil || len(id) != len(t.servent) {
			return target{}, false
		}
		t.servent = message.GUID(id)
	}
	return t, t.servent != message.GUID{}
}

// answerPush sends a PUSH. It has nobody connected to but the client itself.
func (v *visit) answerPush(req *request, t target) error {
	at := handshake.ParseAddrs(req.header.Get("X-Node"))
	switch {
	case len(at) != 1 || at[0].Addr() != v.host:
		return v.refuse(http.StatusBadRequest)
	case v.cfg.Push == nil || !v.cfg.Push(t.servent, t.index, at[0]):
		return v.refuse(http.StatusGone)
	}
	return v.refuse(http.StatusAccepted)
}

// A PushRequest asks a push proxy to send a PUSH.
type PushRequest struct {
	Servent    message.GUID
	Index      uint32         // of the file; 0: any
	Downloader netip.AddrPort // to whom the servent is to connect
	Proxy      netip.AddrPort
	Agent      string // User-Agent
}

// ErrNotProxy is the error of a host that knows no way to a servent.
var ErrNotProxy = errors.New("not a push proxy of the servent")

// AskPushProxy asks a push proxy, on a connection to it, and returns when it has said that it sent the PUSH. The error is
// [ErrNotProxy], or tells of another answer or of the connection.
func AskPushProxy(ctx context.Context, c net.Conn, r PushRequest) error {
	defer interrupt.Until(ctx, c.SetDeadline)()
	line := fmt.Sprintf("HEAD %sServerId=%s&file=%d HTTP/1.1", pushProxyPaths[0], urn.Base32.EncodeToString(r.Servent[:]), r.Index)
	_, err := c.Write(appendHead(nil, line, handshake.Fields{
		{Name: "Host", Value: r.Proxy.String()}, {Name: "User-Agent", Value: r.Agent}, {Name: "X-Node", Value: r.Downloader.String()},
		{Name: "Connection", Value: "close"},
	}))
	if err != nil {
		return fmt.Errorf("send request: %w", interrupt.Err(ctx, err))
	}
	answer, err := readResponse(bufio.NewReader(c))
	switch {
	case err != nil:
		return fmt.Errorf("read answer: %w", interrupt.Err(ctx, err))
	case answer.code == http.StatusGone || answer.code == http.StatusNotFound:
		return ErrNotProxy
	case answer.code/100 != 2:
		return fmt.Errorf("answered %d %.40q", answer.code, answer.reason)
	}
	return nil
}
