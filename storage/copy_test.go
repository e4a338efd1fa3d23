package storage

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// Whatever a host writes into a field, JSON gives it back.
func TestQuotedTextsAreJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := clean(rapid.String().Draw(t, "text"))
		var got string
		if err := json.Unmarshal(appendQuoted(nil, text), &got); err != nil || got != text {
			t.Errorf("%q comes back as %q, %v", text, got, err)
		}
	})
}
