package storage

import (
	"strings"
	"testing"
)

func TestObjection(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		inspection
		want string // part of the objection; "" for none
	}{
		"empty":         {inspection{Server: 150002}, ""},
		"oldest":        {inspection{Server: 130000}, ""},
		"too old":       {inspection{Server: 120022, Release: "12.22"}, "PostgreSQL 12.22 and gnucensus needs version 13"},
		"of another":    {inspection{Server: 150002, Tables: []string{"public.users"}}, "public.users"},
		"ours":          {inspection{Server: 150002, Ours: true, Tables: []string{"public.host"}, Schema: 3}, ""},
		"half migrated": {inspection{Server: 150002, Ours: true, Schema: 2}, ""},
		"newer":         {inspection{Server: 150002, Ours: true, Schema: 4}, "version 4 and this gnucensus knows"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tt.objection(3)
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("objection %q, want %q in it", got, tt.want)
			}
		})
	}
}

func TestNewestMigration(t *testing.T) {
	t.Parallel()
	if n, err := newestMigration(); n < 1 || err != nil {
		t.Errorf("newest migration is %d, %v", n, err)
	}
}
