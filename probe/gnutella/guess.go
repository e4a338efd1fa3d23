package gnutella

import (
	"context"
	"fmt"
	"strconv"

	"gnucensus/probe"
	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// keyPing asks for a query key of GUESS, and with SCP for other hosts that answer GUESS queries ("Query key").
var keyPing = mustPing(ggep.QK(nil), ggep.SCP(ggep.SCPIPv6), ggep.VC(vendor))

// guess asks a host for a query key. The census asks no query by it: that a key comes says that the host can be searched by
// UDP. The PONG may bear the address of any GUESS host, so what it says of files is not kept.
func (p *Prober) guess(ctx context.Context, e probe.Endpoint) probe.Observation {
	r := newRecord(e, probe.Guess)
	reply, err := p.udp.ask(ctx, e.Addr, keyPing, p.cfg.UDP)
	if err != nil {
		return r.fail(ctx, err)
	}
	pong, ok := reply.Body.(*message.Pong)
	if !ok {
		return r.end(probe.Garbage, fmt.Sprintf("%v in answer to a PING", reply.Type()))
	}
	r.source(reply.from)
	r.cached(pong.GGEP())
	key, ok := pong.GGEP().QK()
	if !ok || len(key) == 0 {
		return r.end(probe.Unsupported, "no query key")
	}
	r.note(fieldKey, strconv.Itoa(len(key)))
	return r.end(probe.Answered, "")
}
