package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
)

// amiss tells what the value of a flag should be, when it is not.
func amiss(f cli.Flag, value string) (want string) {
	var err error
	switch f.(type) {
	case *cli.DurationFlag:
		_, err = time.ParseDuration(value)
		want = "a time, such as 90s or 1h30m"
	case *cli.Float64Flag:
		_, err = strconv.ParseFloat(value, 64)
		want = "a number, such as 0.5"
	case *cli.IntFlag, *cli.Int64Flag:
		_, err = strconv.ParseInt(value, 0, 64)
		want = "a whole number"
	case *cli.Uint64Flag:
		_, err = strconv.ParseUint(value, 0, 64)
		want = "a whole number, 0 or more"
	}
	if err == nil {
		return ""
	}
	return want
}

// isNumber tells whether a word is a negative number, and no flag.
func isNumber(word string) bool {
	_, err := strconv.ParseFloat(word, 64)
	return err == nil
}

// likely asks whether the nearest flag was meant, where one is near.
func (a *arranger) likely(name string) string {
	best, meant := (len(name)+1)/3+1, ""
	for _, l := range a.levels {
		for _, f := range l.flags {
			for _, known := range f.Names() {
				if d := distance(name, known); d < best {
					best, meant = d, known
				}
			}
		}
	}
	if meant == "" {
		return ""
	}
	return fmt.Sprintf("Did you mean --%s? ", meant)
}

// distance is how many letters must be put in, left out or replaced to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := corner
			if a[i] != b[j] {
				replaced++
			}
			corner = row[j+1]
			row[j+1] = min(replaced, corner+1, row[j]+1)
		}
	}
	return row[len(b)]
}
