package transfer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNamesStayInside lets sources and callers name files in every way that leads out of a folder.
func TestNamesStayInside(t *testing.T) {
	t.Parallel()
	content := noise(1000, 44)
	source := whole(t, content)
	for _, name := range []string{
		"../out.bin", "/etc/out.bin", `..\out.bin`, "a/../../out.bin", "..", ".", "", "con.txt", "line\r\nbreak", "nul\x00byte",
		strings.Repeat("long", 1024) + ".bin", strings.Repeat("ü", 300), "\u202egnp.exe", ".hidden", "trailing. ", "~/x", "C:x",
	} {
		top := t.TempDir()
		dir := filepath.Join(top, "folder")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		job := Job{URN: sha1Of(content), Folder: dir, Name: name, Sources: []Source{source}}
		r, err := Fetch(t.Context(), job)
		expectFile(t, job, r, err, content)
		if got := folder(t, top); !slices.Equal(got, []string{"folder"}) || filepath.Base(r.Path)[0] == '.' || len(filepath.Base(r.Path)) > maxName {
			t.Errorf("%q: %q, %s", name, got, r.Path)
		}
	}
}

func TestSafeName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain.txt": "plain.txt", "a b.c": "a b.c", "../x": "_x", "..": "_", "": "_", ".hidden": "hidden", "a/b\\c": "a_b_c",
		"CON": "_CON", "nul.txt": "_nul.txt", "console.txt": "console.txt", "e\u0301": "\u00e9", "x.": "x", "\xff.bin": "_.bin",
		strings.Repeat("x", 300) + ".flac": strings.Repeat("x", 195) + ".flac",
		"a." + strings.Repeat("y", 300):    "a." + strings.Repeat("y", 198),
	} {
		if got := safeName(in); got != want {
			t.Errorf("%.40q: %q, want %q", in, got, want)
		}
	}
}

// FuzzSafeName checks that every name is one of a file in its folder.
func FuzzSafeName(f *testing.F) {
	for _, name := range []string{"../x", "..", "a/b", "\x00", strings.Repeat("ü", 200), " . ", "aux.c"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		safe := safeName(name)
		if !filepath.IsLocal(safe) || filepath.Base(safe) != safe || len(safe) > maxName+1 || strings.ContainsAny(safe, "/\\\x00\r\n") ||
			safe[0] == '.' {
			t.Fatalf("%q: %q", name, safe)
		}
		if again := safeName(safe); again != safe {
			t.Fatalf("%q: %q, then %q", name, safe, again)
		}
	})
}
