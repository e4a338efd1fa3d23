package cluster

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unicode"
)

// What a data directory holds.
const (
	gateLock   = "gnucensus.lock" // also the mark that the directory is ours
	usersLock  = "users.lock"
	serverLock = "server.lock"
	keepFile   = "keep"
	logFile    = "server.log"
	socketName = "socket"
	pgName     = "pg"
	scratch    = "pg.new" // a cluster in the making
)

// SpoolFolder is the folder of a data directory in which crawls keep what they see while their database is away: this one or
// another, so it may be there before the rest.
const SpoolFolder = "spool"

// socketPathMax is how many bytes the path of a unix socket may have: 107 on Linux.
const socketPathMax = len(syscall.RawSockaddrUnix{}.Path) - 1

// A place is a data directory with the account that its server runs as.
type place struct {
	dir      string // absolute, without symbolic links
	account  account
	lent     bool   // we are root in a directory of the account: what we put there must be the account's
	programs string // Config.Programs
	log      *slog.Logger
}

// DefaultDir is the data directory of whoever runs this process: /var/lib/gnucensus for root, whose home no server could
// enter, else $XDG_DATA_HOME/gnucensus, by default ~/.local/share/gnucensus.
func DefaultDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/gnucensus", nil
	}
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "gnucensus"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the data directory: %w", err)
	}
	return filepath.Join(home, ".local", "share", "gnucensus"), nil
}

// findPlace looks at the data directory, which need not exist, and refuses one that is not ours or that its server
// could not reach.
func findPlace(cfg Config) (*place, error) {
	p := &place{dir: cfg.Dir, programs: cfg.Programs, log: cfg.Log}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if p.dir == "" {
		if p.dir, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	if p.dir, err = filepath.Abs(p.dir); err != nil {
		return nil, fmt.Errorf("find the data directory: %w", err)
	}
	if real, err := filepath.EvalSymlinks(p.dir); err == nil {
		p.dir = real
	}
	if strings.ContainsFunc(p.dir, unicode.IsControl) {
		return nil, fmt.Errorf("use data directory %q: control characters in its name", p.dir)
	}
	if p.account, err = chooseAccount(p.dir, p.path(pgName)); err != nil {
		return nil, err
	}
	if err := p.account.canReach(p.dir); err != nil {
		return nil, fmt.Errorf("use data directory %s: %w; choose another, for example under /var/lib", p.dir, err)
	}
	return p, p.check()
}

// makePlace is findPlace, and makes the directory where there is none.
func makePlace(cfg Config) (*place, error) {
	p, err := findPlace(cfg)
	if err != nil {
		return nil, err
	}
	if err := makeDirs(p.dir); err != nil {
		return nil, fmt.Errorf("make data directory %s: %w", p.dir, err)
	}
	return findPlace(cfg) // now that it is there, a symbolic link in its name leads somewhere
}

// makeDirs makes a folder and those above it. Root's are open for passing through, whatever its umask: the server is
// another user. Everyone else's are private.
func makeDirs(dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return syscall.ENOTDIR
	} else if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDirs(filepath.Dir(dir)); err != nil {
		return err
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o755
	}
	if err := os.Mkdir(dir, mode); errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	} else if err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}

// check refuses a directory that holds things and not our mark.
func (p *place) check() error {
	info, err := os.Stat(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("use data directory: %w", err)
	}
	p.lent = p.account.dropped && owner(info) == p.account.uid
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return fmt.Errorf("use data directory: %w", err)
	}
	var stranger string
	for _, e := range entries {
		switch e.Name() {
		case gateLock:
			return nil
		case SpoolFolder, "lost+found": // the top of a file system is as good as empty
		default:
			stranger = e.Name()
		}
	}
	if stranger != "" {
		return fmt.Errorf("use data directory %s: it is not empty (%s) and was not made by gnucensus; choose another",
			p.dir, stranger)
	}
	return nil
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) has(name string) bool {
	_, err := os.Lstat(p.path(name))
	return err == nil
}

// enter takes the gate. Closing the file gives it back.
func (p *place) enter(ctx context.Context) (*os.File, error) {
	gate, err := p.openLock(gateLock)
	if err != nil {
		return nil, err
	}
	if err := waitLock(ctx, gate, syscall.LOCK_EX); err != nil {
		gate.Close()
		return nil, fmt.Errorf("wait for another process that starts or stops the server in %s: %w", p.dir, err)
	}
	return gate, nil
}

// openLock opens one of the lock files.
func (p *place) openLock(name string) (*os.File, error) {
	f, err := os.OpenFile(p.path(name), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err == nil {
		err = p.give(f)
	}
	if err != nil {
		return nil, fmt.Errorf("use data directory: %w", err)
	}
	return f, nil
}

// held says whether a process holds one of the locks. To find out takes it for a moment, unless it is held: who asks for it
// meanwhile must look again.
func (p *place) held(name string, how int) (bool, error) {
	f, err := os.Open(p.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("use data directory: %w", err)
	}
	defer f.Close()
	free, err := tryLock(f, how)
	return !free, err
}

// used says whether a process has a share, or is within the gate. Who looks for shares takes the gate first: whoever drops the
// last one meanwhile would not look again, and leave the server to us.
func (p *place) used() (bool, error) {
	gate, err := os.Open(p.path(gateLock))
	if err != nil {
		return false, fmt.Errorf("use data directory: %w", err)
	}
	defer gate.Close()
	if free, err := tryLock(gate, syscall.LOCK_EX); err != nil || !free {
		return true, err
	}
	return p.held(usersLock, syscall.LOCK_EX)
}

// give lets a file that we made in the directory belong to the directory's owner.
func (p *place) give(f *os.File) error {
	if !p.lent {
		return nil
	}
	return f.Chown(int(p.account.uid), int(p.account.gid))
}

// makeFolder makes a private folder of the account, as initdb and the server want theirs.
func (p *place) makeFolder(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	if !p.account.dropped {
		return nil
	}
	return os.Lchown(path, int(p.account.uid), int(p.account.gid))
}

// made says whether the directory holds a cluster. It got its name when it was whole.
func (p *place) made() (bool, error) {
	info, err := os.Stat(p.path(pgName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("look for the database: %w", err)
	}
	if owner(info) != p.account.uid {
		return true, fmt.Errorf("use the database in %s: it belongs to user number %d; run gnucensus as that user, or as root",
			p.path(pgName), owner(info))
	}
	return true, nil
}

// version is the major version of the PostgreSQL that made the cluster.
func (p *place) version() (int, error) {
	path := p.path(filepath.Join(pgName, "PG_VERSION"))
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read the version of the database: %w", err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("read the version of the database: %s holds %.20q", path, b)
	}
	return n, nil
}

// socketDir makes the folder for the server's socket: in the data directory, unless its path is too long for a socket
// or holds what PostgreSQL and its clients take for punctuation; then in the system's temporary folder, under a name
// that follows from the data directory's. The user's runtime folder would not do: it goes when the user logs out, and a
// crawl goes on.
func (p *place) socketDir() (string, error) {
	dir := p.path(socketName)
	if !fitsSocket(dir) {
		sum := sha256.Sum256([]byte(p.dir))
		name := fmt.Sprintf("gnucensus-%d-%x", p.account.uid, sum[:8])
		dir = filepath.Join(os.TempDir(), name)
		if !fitsSocket(dir) || p.account.canReach(os.TempDir()) != nil {
			dir = filepath.Join("/tmp", name)
		}
	}
	if err := p.makeFolder(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a folder for the server's socket: %w", err)
	}
	return dir, p.trusts(dir)
}

// fitsSocket says whether a folder's path can hold the server's socket, and can stand in a list and in a connection
// string.
func fitsSocket(dir string) bool {
	return filepath.IsAbs(dir) && len(dir)+len("/.s.PGSQL.")+len(port) <= socketPathMax &&
		!strings.ContainsAny(dir, `,"'\`) && !strings.HasSuffix(dir, " ")
}

// trusts checks that the folder of a socket is the account's alone: in a folder where anyone may write, somebody else
// could have put it there and listen in the server's place.
func (p *place) trusts(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at the socket's folder: %w", err)
	}
	if !info.IsDir() || owner(info) != p.account.uid || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("use the socket's folder %s: it is not a private folder of %s (mode %s, owner %d); remove it",
			dir, p.account.name, info.Mode(), owner(info))
	}
	return nil
}
