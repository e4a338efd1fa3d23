package storage

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
	"gnucensus/sql"
)

// Vouchers is who named the endpoints of a snapshot until it was resumed.
type Vouchers struct {
	snapshot *Snapshot
	vouched  []vouched // by number, less 1
}

type vouched struct {
	by    int32 // who named it last
	times uint8 // by how many in turn it was named, up to maxVouched
}

const maxVouched = 8

// Vouchers reads who named whom.
func (s *Snapshot) Vouchers(ctx context.Context) (*Vouchers, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows, err := s.conn.Query(ctx, sql.Query("named"), pgx.NamedArgs{"snapshot": s.id})
	if err != nil {
		return nil, fmt.Errorf("read who named whom: %w", err)
	}
	v := &Vouchers{snapshot: s, vouched: make([]vouched, s.number.committed.endpoints)}
	var by int32
	var named []int32
	_, err = pgx.ForEachRow(rows, []any{&by, &named}, func() error {
		for _, id := range named {
			if of := &v.vouched[id-1]; of.by != by {
				of.by, of.times = by, min(of.times+1, maxVouched)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read who named whom: %w", err)
	}
	return v, nil
}

// Of tells how many hosts named an endpoint, up to 8, and one of them, until the snapshot records more. A host that named it
// in several conversations may count again when others named it in between.
func (v *Vouchers) Of(e probe.Endpoint) (by probe.Endpoint, times int) {
	id := v.snapshot.number.endpoints.Find(e.Addr)
	if id == 0 || int(id) > len(v.vouched) || v.vouched[id-1].times == 0 {
		return probe.Endpoint{}, 0
	}
	of := v.vouched[id-1]
	return probe.Endpoint{Network: e.Network, Addr: v.snapshot.number.endpoints.At(uint32(of.by))}, int(of.times)
}

// A Stranger is an address that something was sent to, and that nothing came from.
type Stranger struct {
	Addr netip.Addr
	Sent int // packets, one for each conversation that is stored
}

// Strangers reads them, of the conversations that are stored.
func (s *Snapshot) Strangers(ctx context.Context) ([]Stranger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows, err := s.conn.Query(ctx, sql.Query("strangers"), pgx.NamedArgs{"snapshot": s.id})
	if err != nil {
		return nil, fmt.Errorf("read strangers: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Stranger])
	if err != nil {
		return nil, fmt.Errorf("read strangers: %w", err)
	}
	return all, nil
}

// An Asking is a conversation with a host that ended at some time.
type Asking struct {
	probe.Endpoint
	Method probe.Method
	At     time.Time
}

// AskedSince tells whom crawls of a network have asked since some time, each host and method once.
func (db *DB) AskedSince(ctx context.Context, network probe.Network, since time.Time) ([]Asking, error) {
	rows, err := db.pool.Query(ctx, sql.Query("asked_lately"), pgx.NamedArgs{"network": network, "since": since})
	if err != nil {
		return nil, fmt.Errorf("read whom crawls asked lately: %w", err)
	}
	var all []Asking
	var addr netip.Addr
	var port uint16
	a := Asking{Endpoint: probe.Endpoint{Network: network}}
	_, err = pgx.ForEachRow(rows, []any{&addr, &port, &a.Method, &a.At}, func() error {
		a.Addr = netip.AddrPortFrom(addr, port)
		all = append(all, a)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read whom crawls asked lately: %w", err)
	}
	return all, nil
}
