package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gnucensus/servent/library"
)

// openShared opens the library of folders, and reads it. Hashes are remembered between runs; of two servents that share the same
// folders at once, one computes them for itself.
func (p *program) openShared(ctx context.Context, folders []string, mesh *library.Mesh) (*library.Library, error) {
	cache, err := hashFile(folders)
	if err != nil {
		return nil, err
	}
	cfg := library.Config{Folders: folders, Cache: cache, Mesh: mesh, Log: p.log}
	shared, err := library.Open(cfg)
	if errors.Is(err, library.ErrInUse) {
		cfg.Cache = ""
		shared, err = library.Open(cfg)
	}
	if err != nil {
		return nil, usage("It is a folder that can be read.", "--share: %w", err)
	}
	if err := shared.Scan(ctx); err != nil {
		shared.Close()
		return nil, err
	}
	return shared, nil
}

// hashFiles is how many sets of folders have their hashes remembered: those that were shared last.
const hashFiles = 64

// hashFile names the file of the hashes of folders, and forgets those that are one too many; empty where nothing is shared.
func hashFile(folders []string) (string, error) {
	if len(folders) == 0 {
		return "", nil
	}
	dir, err := memoryDir()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, folder := range folders {
		absolute, err := filepath.Abs(folder)
		if err != nil {
			return "", fmt.Errorf("share folder: %w", err)
		}
		fmt.Fprintf(h, "%s\x00", absolute)
	}
	name := filepath.Join(dir, fmt.Sprintf("hashes-%x", h.Sum(nil)[:8]))
	if now := time.Now(); errors.Is(os.Chtimes(name, now, now), fs.ErrNotExist) {
		return name, forgetHashes(dir, hashFiles-1)
	}
	return name, nil
}

// forgetHashes removes all files of hashes but so many that were used last. A process that has one open goes on with it.
func forgetHashes(dir string, keep int) error {
	names, err := filepath.Glob(filepath.Join(dir, "hashes-*"))
	if err != nil || len(names) <= keep {
		return err
	}
	used := make(map[string]time.Time)
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			used[name] = info.ModTime()
		}
	}
	slices.SortFunc(names, func(a, b string) int { return used[b].Compare(used[a]) })
	var errs []error
	for _, name := range names[keep:] {
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// readRate reads a number of bytes a second, such as 500K: K, M and G are powers of 1,024. Empty is 0, for no limit.
func readRate(flag, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	digits := strings.TrimRight(text, "kKmMgG")
	shift := map[string]int{"": 0, "k": 10, "m": 20, "g": 30}
	by, known := shift[strings.ToLower(text[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 31)
	if rate := n << by; known && err == nil && rate > 0 && rate <= 1<<40 {
		return int(rate), nil
	}
	return 0, usage("Such as 500K or 2M, for KiB and MiB a second.", "--%s: %q is no rate", flag, text)
}
