package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// An account is the user that the server runs as.
type account struct {
	name     string
	uid, gid uint32
	groups   []uint32
	dropped  bool // we are root and become this user for initdb and the server, which refuse to run as root
}

// chooseAccount says who runs the server of a data directory: ourselves, or when we are root the owner of the cluster
// that is in it, else the owner of the directory, else user postgres, else the user who called sudo, else nobody.
func chooseAccount(dir, pg string) (account, error) {
	if os.Geteuid() != 0 {
		return account{name: "this user", uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	for _, path := range []string{pg, dir} {
		if info, err := os.Stat(path); err == nil && owner(info) != 0 {
			return accountOf(user.LookupId(strconv.FormatUint(uint64(owner(info)), 10)))
		}
	}
	return firstAccount("postgres", os.Getenv("SUDO_USER"), "nobody")
}

// firstAccount is the first of the named users that exists and is not root.
func firstAccount(names ...string) (account, error) {
	for _, name := range names {
		if a, err := accountOf(user.Lookup(name)); err == nil {
			return a, nil
		}
	}
	return account{}, fmt.Errorf("find a user for the server, which does not run as root: none of %q exists", names)
}

// accountOf is the account of a user as package os/user found it, with all its groups.
func accountOf(u *user.User, err error) (account, error) {
	if err != nil {
		return account{}, fmt.Errorf("find the user that runs the server: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil || uid == 0 {
		return account{}, fmt.Errorf("run the server as user %s: not possible with uid %s", u.Username, u.Uid)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return account{}, fmt.Errorf("find the groups of user %s: %w", u.Username, err)
	}
	a := account{name: "user " + u.Username, uid: uint32(uid), dropped: true}
	for _, id := range append(ids, u.Gid) {
		gid, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return account{}, fmt.Errorf("find the groups of user %s: group %q: %w", u.Username, id, err)
		}
		a.gid = uint32(gid) // the last one is the user's own
		a.groups = append(a.groups, a.gid)
	}
	return a, nil
}

// process says how a program of the account starts: in a session of its own, so that a Ctrl-C on the terminal does not
// reach it.
func (a account) process() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.dropped {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid, Groups: a.groups}
	}
	return attr
}

// canReach checks that the account may enter dir and every folder above it, as far as they exist. Ourselves we need no
// check: we find out by trying.
func (a account) canReach(dir string) error {
	if !a.dropped {
		return nil
	}
	for path := dir; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && info.IsDir() && !a.mayEnter(info) {
			return fmt.Errorf("%s, which runs the server for root, cannot reach it: %s is closed to it (mode %04o)",
				a.name, path, info.Mode().Perm())
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

// mayEnter reads the permission bits of a folder for the account.
func (a account) mayEnter(info fs.FileInfo) bool {
	stat := info.Sys().(*syscall.Stat_t)
	switch {
	case stat.Uid == a.uid:
		return info.Mode()&0o100 != 0
	case slices.Contains(a.groups, stat.Gid):
		return info.Mode()&0o010 != 0
	default:
		return info.Mode()&0o001 != 0
	}
}

// owner is the user number that a file belongs to.
func owner(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }
