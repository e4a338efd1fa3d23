package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inNetwork, set in the environment, says that the test runs in a network of its own.
const inNetwork = "GNUCENSUS_TEST_NETWORK"

// isolated runs the test once more as a process in a network that has nothing but a loopback interface, and returns false;
// in that process it returns true. The kernel counts there what was to leave the machine. Where the system allows no such
// network, the test is skipped.
func isolated(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNetwork) != "" {
		raiseLoopback(t)
		return true
	}
	args := []string{"-test.run", "^" + t.Name() + "$", "-test.v"}
	if end, ok := t.Deadline(); ok {
		args = append(args, "-test.timeout", time.Until(end).String())
	}
	again := exec.Command(os.Args[0], args...)
	again.Env = append(os.Environ(), inNetwork+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if user, group := os.Getuid(), os.Getgid(); user != 0 {
		again.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: user, HostID: user, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: group, HostID: group, Size: 1}},
			AmbientCaps: []uintptr{unix.CAP_NET_ADMIN},
		}
	}
	said, err := again.CombinedOutput()
	switch exit := new(exec.ExitError); {
	case errors.As(err, &exit):
		t.Errorf("in a network of its own: %v\n%s", err, said)
	case err != nil:
		t.Skipf("no network of its own for the test: %v", err)
	default:
		t.Logf("%s", said)
	}
	return false
}

func raiseLoopback(t *testing.T) {
	t.Helper()
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatalf("raise loopback interface: %v", err)
	}
}

// strayed is how many packets were to leave an isolated network, of IPv4 and IPv6.
func strayed(t *testing.T) int {
	t.Helper()
	four, err := os.ReadFile("/proc/self/net/snmp")
	if err != nil {
		t.Fatal(err)
	}
	six, err := os.ReadFile("/proc/self/net/snmp6")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	sum := counter(t, string(six), "Ip6OutNoRoutes")
	var names []string
	for line := range strings.Lines(string(four)) {
		fields := strings.Fields(line)
		if fields[0] != "Ip:" {
			continue
		}
		for i, name := range names {
			if name == "OutNoRoutes" {
				sum += number(t, fields[i])
			}
		}
		names = fields
	}
	return sum
}

// counter reads a line of a name and a number, 0 when there is none.
func counter(t *testing.T, text, name string) int {
	t.Helper()
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); fields[0] == name {
			return number(t, fields[1])
		}
	}
	return 0
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
