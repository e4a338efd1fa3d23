package transfer

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A span is bytes of a file, from one on and before another.
type span struct{ from, to uint64 }

func (s span) len() uint64 { return s.to - s.from }

// String writes the span as headers do, with its last byte.
func (s span) String() string {
	return strconv.FormatUint(s.from, 10) + "-" + strconv.FormatUint(s.to-1, 10)
}

// overlap returns what two spans have in common, empty when they have nothing.
func (s span) overlap(other span) span {
	from := max(s.from, other.from)
	return span{from, max(from, min(s.to, other.to))}
}

// Faults of a header that asks for a range.
var (
	errRange       = errors.New("malformed range")
	errUnsatisfied = errors.New("range not satisfiable")
)

// parseRange reads what part of a file of size bytes the value of Range asks for: bytes=a-b, bytes=a- or bytes=-n, also with a
// blank in place of the sign. Only one range may be asked for. The error is errRange or, for what no file of that size has,
// errUnsatisfied.
func parseRange(value string, size uint64) (span, error) {
	text, found := cutFold(strings.TrimSpace(value), "bytes")
	if text = strings.TrimLeft(text, " "); !found {
		return span{}, errRange
	}
	text = strings.TrimPrefix(text, "=")
	if strings.Contains(text, ",") {
		return span{}, errUnsatisfied
	}
	first, last, found := strings.Cut(strings.TrimSpace(text), "-")
	if !found || first == "" && last == "" {
		return span{}, errRange
	}
	if first == "" {
		n, err := parseOffset(last)
		if err != nil {
			return span{}, err
		}
		return satisfied(span{size - min(n, size), size})
	}
	s := span{to: size}
	var err error
	if s.from, err = parseOffset(first); err != nil {
		return span{}, err
	}
	if last != "" {
		end, err := parseOffset(last)
		if err != nil || end < s.from {
			return span{}, errRange
		}
		s.to = min(size, end+1)
	}
	return satisfied(s)
}

func satisfied(s span) (span, error) {
	if s.from >= s.to {
		return span{}, errUnsatisfied
	}
	return s, nil
}

// parseOffset reads digits. What is too large for a file is as large as it may be.
func parseOffset(text string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errRange
	}
	return min(n, math.MaxInt64-1), nil
}

// parseContentRange reads which part of a file an answer brings, and the size of the file: bytes a-b/size.
func parseContentRange(value string) (part span, size uint64, err error) {
	text, found := strings.CutPrefix(strings.Replace(strings.TrimSpace(value), "=", " ", 1), "bytes ")
	bounds, total, slash := strings.Cut(text, "/")
	first, last, dash := strings.Cut(bounds, "-")
	if !found || !slash || !dash {
		return span{}, 0, errRange
	}
	from, err1 := parseOffset(first)
	end, err2 := parseOffset(last)
	size, err3 := parseOffset(total)
	if err := errors.Join(err1, err2, err3); err != nil || from > end || end >= size {
		return span{}, 0, errRange
	}
	return span{from, end + 1}, size, nil
}

// parseTotal reads the size of a file of which an answer brings nothing: bytes */size.
func parseTotal(value string) (uint64, error) {
	text, found := strings.CutPrefix(strings.TrimSpace(value), "bytes */")
	if !found {
		return 0, errRange
	}
	return parseOffset(text)
}

// maxSpans is how many ranges of X-Available-Ranges are read.
const maxSpans = 1024

// parseAvailable reads the value of X-Available-Ranges: bytes a-b,c-d. What cannot be read is passed over.
func parseAvailable(value string) []span {
	text := strings.TrimLeft(strings.TrimPrefix(strings.TrimSpace(value), "bytes"), " =")
	var spans []span
	for item := range strings.SplitSeq(text, ",") {
		first, last, _ := strings.Cut(item, "-")
		from, err1 := parseOffset(first)
		end, err2 := parseOffset(last)
		if err1 == nil && err2 == nil && from <= end && len(spans) < maxSpans {
			spans = append(spans, span{from, end + 1})
		}
	}
	return merge(spans)
}

// formatAvailable writes the value of X-Available-Ranges.
func formatAvailable(spans []span) string {
	var b strings.Builder
	for i, s := range spans {
		b.WriteString([]string{"bytes ", ","}[min(i, 1)] + s.String())
	}
	return b.String()
}

// merge orders spans and joins those that touch.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	var merged []span
	for _, s := range spans {
		if last := len(merged) - 1; last >= 0 && s.from <= merged[last].to {
			merged[last].to = max(merged[last].to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// within returns the first part of wanted that the spans have, empty when they have none of it.
func within(spans []span, wanted span) span {
	for _, s := range spans {
		if part := s.overlap(wanted); part.len() > 0 {
			return part
		}
	}
	return span{}
}
