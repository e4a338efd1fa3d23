package servent

import (
	"strconv"
	"time"

	"gnucensus/servent/handshake"
)

// abilities are the fields that hello and answer of a node in a role share.
func (n *Node) abilities(as Role) handshake.Fields {
	f := handshake.Fields{{Name: "X-Ultrapeer", Value: capital(as == Ultrapeer)}}
	if n.cfg.Dialect.GGEP {
		f = append(f, handshake.Field{Name: "GGEP", Value: "0.5"})
	}
	if n.cfg.Dialect.Bye {
		f = append(f, handshake.Field{Name: "Bye-Packet", Value: "0.1"})
	}
	if n.tls != nil {
		f = append(f, handshake.Field{Name: "X-Features", Value: "tls/1.0"})
	}
	return append(f,
		handshake.Field{Name: "X-Degree", Value: strconv.Itoa(max(1, n.cfg.Slots.Ultrapeers))},
		handshake.Field{Name: "X-Max-TTL", Value: strconv.Itoa(maxTTL)},
		handshake.Field{Name: "X-Live-Since", Value: n.started.Format(time.RFC1123Z)},
	)
}

func capital(b bool) string {
	if b {
		return "True"
	}
	return "False"
}
