package transfer

import (
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

// A service is what a target asks for.
type service int

const (
	unknownService service = iota
	byIndex                // /get/<index>/<name>, with or without a slash at the end
	byURN                  // /uri-res/N2R?<URN>
	treeByURN              // /uri-res/N2X?<URN>
	browseHost             // /
	pushProxy              // /gnutella/push-proxy?ServerId=<GUID>
)

// A target is what stands between method and version of a request. It names files by index or hash, never by a path.
type target struct {
	service service
	index   uint32
	name    string // in normal form C
	urn     urn.URN
	servent message.GUID // that a PUSH is for
}

// parseTarget reads a target; ok is false when it is malformed. Words of the path may be in any case.
func parseTarget(text string) (t target, ok bool) {
	if rest, found := cutFold(text, "http://"); found { // the form that proxies are sent
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			return target{}, false
		}
		text = rest[slash:]
	}
	if text == "/" {
		return target{service: browseHost}, true
	}
	if rest, found := cutFold(text, "/get/"); found {
		digits, escaped, _ := strings.Cut(rest, "/")
		index, err := strconv.ParseUint(digits, 10, 32)
		return target{service: byIndex, index: uint32(index), name: fileName(escaped)}, err == nil
	}
	if rest, found := cutFold(text, "/uri-res/N2R?"); found {
		return parseURN(byURN, rest)
	}
	if rest, found := cutFold(text, "/uri-res/N2X?"); found {
		return parseURN(treeByURN, rest)
	}
	for _, path := range pushProxyPaths {
		if rest, found := cutFold(text, path); found {
			return parsePushTarget(rest)
		}
	}
	return target{}, strings.HasPrefix(text, "/")
}

// fileName reads the name of a file at the end of a target. Old servents end it with a slash, or do not escape it.
func fileName(escaped string) string {
	escaped = strings.TrimSuffix(escaped, "/")
	name, err := url.PathUnescape(escaped)
	if err != nil {
		name = escaped
	}
	return norm.NFC.String(name)
}

func parseURN(s service, escaped string) (target, bool) {
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return target{}, false
	}
	u, err := urn.Parse(name)
	return target{service: s, urn: u}, err == nil && u.SHA1 != nil
}

// cutFold is strings.CutPrefix, in any case.
func cutFold(s, prefix string) (rest string, found bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
