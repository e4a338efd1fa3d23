package handshake

// AppendHello appends the first step of a handshake to b, for callers that move the bytes themselves.
func AppendHello(b []byte, offer Fields) []byte {
	return head{line: helloPrefix + version, fields: offer}.append(b)
}

// AppendAck appends the acknowledgement of an answer 200, without fields.
func AppendAck(b []byte) []byte {
	return append(b, replyPrefix+version+" 200 OK\r\n\r\n"...)
}

// An Incoming is the answer to a hello of which more and more has come. The zero value has seen nothing.
type Incoming struct {
	Code   int // known as soon as the first line is there
	Reason string
	Fields Fields // those that are complete

	parser parser
}

// Read goes on with buf, which holds what it held in the last call and perhaps more, and looks at each byte once. It tells
// whether the answer is complete. Its errors are those of [Crawl] about the bytes of the peer.
func (in *Incoming) Read(buf []byte) (done bool, err error) {
	if in.parser.prefix == "" {
		in.parser = parser{prefix: replyPrefix, limits: diallerLimits}
	}
	done, err = in.parser.parse(buf)
	in.Fields = in.parser.head.fields
	if in.parser.lines > 0 && in.Code == 0 {
		code, reason, broken := parseStatus(in.parser.head.line)
		if broken != nil {
			return false, broken
		}
		in.Code, in.Reason = code, reason
	}
	return done, err
}
