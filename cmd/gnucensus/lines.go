package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A line of a file that people write by hand.
type line struct {
	number int
	text   string
}

// Bounds of such a file.
const (
	maxLine  = 4096 // bytes
	maxLines = 1_000_000
)

// readLines returns the lines of a file, or of standard input for "-": trimmed, without the empty ones and the comments that
// begin with #.
func readLines(stdin io.Reader, file string) ([]line, error) {
	if file == "-" {
		return scanLines(stdin, "standard input")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return scanLines(f, file)
}

func scanLines(r io.Reader, name string) ([]line, error) {
	var lines []line
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxLine)
	for n := 1; scanner.Scan(); n++ {
		text := strings.TrimSpace(scanner.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		if len(lines) == maxLines {
			return nil, fmt.Errorf("read %s: more than %d lines", name, maxLines)
		}
		lines = append(lines, line{n, text})
	}
	if err := scanner.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("read %s: a line is longer than %d bytes", name, maxLine)
	} else if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return lines, nil
}
