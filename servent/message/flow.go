package message

import (
	"encoding/binary"

	"gnucensus/servent/internal/cursor"
)

// HopsFlow asks the peer for queries that travelled fewer links only; 0 asks for none. Its body:
//
//	0   1   hops
type HopsFlow struct {
	Hops uint8
	Tail []byte
}

// Vendor returns BEAR/4v1.
func (m *HopsFlow) Vendor() *Vendor { return keyHopsFlow.message(1, append([]byte{m.Hops}, m.Tail...)) }

func openHopsFlow(c *cursor.Cursor, _ uint16) VendorMessage {
	return &HopsFlow{Hops: c.U8("hops"), Tail: clone(c.Rest())}
}

// QueryStatusRequest asks a leaf how many results its query has. The GUID of the message is that of the query, the body is
// empty.
type QueryStatusRequest struct{ Tail []byte }

// Vendor returns BEAR/11v1.
func (m *QueryStatusRequest) Vendor() *Vendor { return keyQueryStatusRequest.message(1, m.Tail) }

func openQueryStatusRequest(c *cursor.Cursor, _ uint16) VendorMessage {
	return &QueryStatusRequest{Tail: clone(c.Rest())}
}

// QueryStop is the number of results that ends a query.
const QueryStop = 0xFFFF

// QueryStatus tells an ultrapeer how many results a leaf has for the query whose GUID the message has. Its body:
//
//	0   2   results, or QueryStop
type QueryStatus struct {
	Results uint16
	Tail    []byte
}

// Vendor returns BEAR/12v1.
func (m *QueryStatus) Vendor() *Vendor {
	b := binary.LittleEndian.AppendUint16(nil, m.Results)
	return keyQueryStatus.message(1, append(b, m.Tail...))
}

func openQueryStatus(c *cursor.Cursor, _ uint16) VendorMessage {
	return &QueryStatus{Results: c.LE16("results"), Tail: clone(c.Rest())}
}
