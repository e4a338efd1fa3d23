package lab

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// descriptorLimit raises the number of files that the process may open to the most that is allowed without privilege, and
// returns it.
func descriptorLimit() (uint64, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read limit of file descriptors: %w", err)
	}
	if limit.Cur < limit.Max {
		limit.Cur = limit.Max
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			return 0, fmt.Errorf("raise limit of file descriptors: %w", err)
		}
	}
	return limit.Cur, nil
}
