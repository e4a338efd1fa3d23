package gnutella

import (
	"fmt"
	"strconv"

	"gnucensus/probe"
	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// keyPing asks for a query key of GUESS, and with SCP for other hosts that answer GUESS queries ("Query key").
var keyPing = mustPing(ggep.QK(nil), ggep.SCP(ggep.SCPIPv6), ggep.VC(vendor))

// askKey asks a host for a query key. The census asks no query by it: that a key comes says that the host can be searched by
// UDP. The PONG may bear the address of any GUESS host, so what it says of files is not kept.
var askKey = &question{method: probe.Guess, body: keyPing, read: func(r *record, a reply) probe.Observation {
	pong, ok := a.Body.(*message.Pong)
	if !ok {
		return r.end(probe.Garbage, fmt.Sprintf("%v in answer to a PING", a.Type()))
	}
	r.source(a.from)
	r.cached(pong.GGEP())
	key, ok := pong.GGEP().QK()
	if !ok || len(key) == 0 {
		return r.end(probe.Unsupported, "no query key")
	}
	r.note(fieldKey, strconv.Itoa(len(key)))
	return r.end(probe.Answered, "")
}}
