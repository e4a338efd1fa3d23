package bootstrap

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// readDated reads a file of lines that hold a name and a time in RFC 3339 form. A file that does not exist is empty; a line
// that cannot be read is an error that names it.
func readDated(path string, take func(name string, at time.Time) error) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		name, when, _ := strings.Cut(text, " ")
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(when))
		if err == nil {
			err = take(name, at)
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// writeDated writes a file that readDated reads, and puts it in the old one's place only when it is whole.
func writeDated(path, head string, lines iter.Seq2[string, time.Time]) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "#", head)
	for name, at := range lines {
		fmt.Fprintln(w, name, at.UTC().Format(time.RFC3339))
	}
	if err := errors.Join(w.Flush(), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
