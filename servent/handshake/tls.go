package handshake

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"

	"gnucensus/servent/internal/ahead"
)

// ErrAnonymous: the peer offers nothing but anonymous Diffie-Hellman, as LimeWire and its descendants do, which crypto/tls
// does not have. With such hosts links are in plaintext.
var ErrAnonymous = errors.New("TLS peer knows anonymous cipher suites alone")

// A TLS encrypts connections as gtk-gnutella does: with a certificate that the servent made for itself, and without any look
// at that of the other side. It keeps onlookers out, and tells nobody who anybody is.
type TLS struct{ config *tls.Config }

// certified is how long the certificate is valid from its making on: longer than a servent runs.
const certified = 10 * 365 * 24 * time.Hour

// NewTLS makes a key and a certificate.
func NewTLS() (*TLS, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "servent"},
		NotBefore:    now.Add(-24 * time.Hour), // the clock of the other side may be late
		NotAfter:     now.Add(certified),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	return &TLS{config: &tls.Config{
		Certificates:       []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		InsecureSkipVerify: true, // all certificates are self-made
		MinVersion:         tls.VersionTLS10,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if !slices.ContainsFunc(hello.CipherSuites, authenticated) {
				return nil, ErrAnonymous
			}
			return nil, nil
		},
	}}, nil
}

// authenticated tells whether a cipher suite is none of DH_anon and ECDH_anon, nor one of the two that only signal something.
func authenticated(suite uint16) bool {
	switch {
	case 0x17 <= suite && suite <= 0x1b, suite == 0x34, suite == 0x3a, suite == 0x46, suite == 0x6c, suite == 0x6d,
		suite == 0x89, suite == 0x9b, suite == 0xa6, suite == 0xa7, suite == 0xbf, suite == 0xc5,
		0xc015 <= suite && suite <= 0xc019, suite == 0x00ff, suite == tls.TLS_FALLBACK_SCSV:
		return false
	}
	return true
}

// Client makes the TLS handshake as the side that connected. The end of ctx closes c.
func (t *TLS) Client(ctx context.Context, c net.Conn) (net.Conn, error) {
	return start(ctx, tls.Client(c, t.config))
}

// Server makes the TLS handshake as the side that was connected to. The end of ctx closes c. The error is [ErrAnonymous] where
// the two sides have no cipher suite in common for that reason.
func (t *TLS) Server(ctx context.Context, c net.Conn) (net.Conn, error) {
	return start(ctx, tls.Server(c, t.config))
}

func start(ctx context.Context, c *tls.Conn) (net.Conn, error) {
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("start TLS: %w", err)
	}
	return encrypted{c}, nil
}

// An encrypted connection closes without the farewell of TLS, which could wait for a peer that does not read. CloseWrite says
// that farewell.
type encrypted struct{ *tls.Conn }

// Close closes the connection at once.
func (c encrypted) Close() error { return c.NetConn().Close() }

// Fields by which a link goes over to TLS after the handshake ("TLS" in "Gnutella 0.6 handshake"). The initiator offers
// [UpgradeOffer]; the acceptor, if it found that, and then the initiator in its ack say [UpgradeFields].
var (
	UpgradeOffer  = Field{Name: "Upgrade", Value: "TLS/1.0"}
	UpgradeFields = Fields{UpgradeOffer, {Name: "Connection", Value: "Upgrade"}}
)

// upgrades tells whether an answer or an ack says that TLS follows.
func upgrades(f Fields) bool { return f.Lists("Connection", "Upgrade") }

// Secure starts TLS on a session whose sides have agreed on it (Upgrade): start is [TLS.Client] of who dialled, [TLS.Server]
// of who accepted. The end of ctx closes the connection.
func (s *Session) Secure(ctx context.Context, start func(context.Context, net.Conn) (net.Conn, error)) error {
	c, err := start(ctx, ahead.New(s.Conn, s.Buffered))
	if err != nil {
		return err
	}
	s.Conn, s.Buffered = c, nil
	return nil
}
