package link

import (
	"bytes"
	"testing"

	"gnucensus/servent/internal/vector"
)

// A piece is what a captured servent sent at once, and the messages that were complete with it.
type piece struct {
	wire     []byte
	messages [][]byte
}

// A session is one direction of a captured link.
type session struct {
	deflated bool
	pieces   []piece
}

// wire returns all bytes of the session.
func (s session) wire() []byte {
	var all []byte
	for _, p := range s.pieces {
		all = append(all, p.wire...)
	}
	return all
}

// stream returns all messages of the session.
func (s session) stream() []byte {
	var all []byte
	for _, p := range s.pieces {
		all = append(all, bytes.Join(p.messages, nil)...)
	}
	return all
}

// captures are the sessions in testdata: how many messages each has, and whether it is deflated.
var captures = map[string]struct {
	messages int
	deflated bool
}{
	"gtk-gnutella-leaf": {13, true}, "gtk-gnutella-ultrapeer": {11, true}, "gtk-gnutella-bye": {3, true},
	"limewire-plain": {10, false}, "limewire-deflate": {3, true},
}

func readSession(tb testing.TB, name string) session {
	tb.Helper()
	s := session{deflated: captures[name].deflated}
	messages := 0
	for _, v := range vector.Read(tb, "testdata/"+name+".txt") {
		if v.Name == "piece" {
			s.pieces = append(s.pieces, piece{wire: v.Bytes})
			continue
		}
		last := &s.pieces[len(s.pieces)-1]
		last.messages = append(last.messages, v.Bytes)
		messages++
	}
	if messages != captures[name].messages {
		tb.Fatalf("%s: %d messages, want %d", name, messages, captures[name].messages)
	}
	return s
}
