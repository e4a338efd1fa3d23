package cluster

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A path that is too long for a socket, or that a list of folders could not hold, gets its socket elsewhere: in a private
// folder that follows from the path, so that everyone finds the same.
func TestSocketElsewhere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("long", 30), "a,b", `say "cheese"`} {
		dir := movedDir(t, name)
		p, err := findPlace(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		socket, err := p.socketDir()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(socket) })
		info, err := os.Stat(socket)
		if err != nil || info.Mode().Perm() != 0o700 || owner(info) != p.account.uid || filepath.Dir(socket) == dir {
			t.Errorf("socket folder %s: %v, %v", socket, info.Mode(), err)
		}
		c := open(t, Config{Dir: dir})
		column(t, c.DSN(), "SELECT 'it works'")
		if m, err := p.readPostmaster(); m.socket != socket {
			t.Errorf("server's socket in %s, %v; want %s", m.socket, err, socket)
		}
	}
}

// Somebody who puts a folder where the socket would be does not get to listen in the server's place.
func TestPlantedSocketFolder(t *testing.T) {
	t.Parallel()
	base := baseDir(t)
	for name, plant := range map[string]func(path string) error{
		"open to all":  func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777)) },
		"a link":       func(path string) error { return os.Symlink(base, path) },
		"a stranger's": func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, 12345, 12345)) },
	} {
		if os.Geteuid() != 0 && name == "a stranger's" {
			continue // only root can plant it
		}
		dir := filepath.Join(base, name, strings.Repeat("long", 30))
		p, err := makePlace(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		socket, err := p.socketDir()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Remove(socket), plant(socket)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(socket) })
		if _, err := p.socketDir(); err == nil || !strings.Contains(err.Error(), socket) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A temporary folder that the server's account cannot enter is passed over.
func TestClosedTemporaryFolder(t *testing.T) {
	needRoot(t)
	p, err := makePlace(Config{Dir: filepath.Join(baseDir(t), strings.Repeat("long", 30))})
	if err != nil {
		t.Fatal(err)
	}
	closed := baseDir(t)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", closed)
	dir, err := p.socketDir()
	if filepath.Dir(dir) != "/tmp" || err != nil {
		t.Errorf("socket folder %s, %v; want one in /tmp", dir, err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
}

// A directory that holds other things is refused and left alone; the top of an empty file system is not.
func TestForeignDirectory(t *testing.T) {
	t.Parallel()
	dir := baseDir(t)
	if err := os.Mkdir(filepath.Join(dir, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := makePlace(Config{Dir: dir}); err != nil {
		t.Errorf("empty file system: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	_, opened := Open(t.Context(), Config{Dir: dir})
	_, asked := Status(t.Context(), Config{Dir: dir})
	for _, err := range []error{opened, asked, Stop(t.Context(), Config{Dir: dir})} {
		if err == nil || !strings.Contains(err.Error(), "thesis.tex") || !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v", err)
		}
	}
	if after := listing(t, dir); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("before %q\nafter %q", before, after)
	}
	if _, err := Open(t.Context(), Config{Dir: filepath.Join(dir, "thesis.tex")}); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file as data directory: %v", err)
	}
}

// Root's server runs as another user. A directory that this user cannot enter is refused before anything is made.
func TestUnreachable(t *testing.T) {
	needRoot(t)
	t.Parallel()
	closed := t.TempDir() // root's alone
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Config{Dir: filepath.Join(closed, "a", "b")})
	for _, fact := range []string{closed + " is closed", "runs the server for root"} {
		if err == nil || !strings.Contains(err.Error(), fact) {
			t.Errorf("error does not say %q: %v", fact, err)
		}
	}
	if exists(closed, "a") {
		t.Error("it made a folder")
	}
}

// Two names of one directory are one cluster.
func TestSymbolicLink(t *testing.T) {
	t.Parallel()
	dir := madeDir(t)
	link := filepath.Join(baseDir(t), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if a, b := open(t, Config{Dir: link}), open(t, Config{Dir: dir}); a.DSN() != b.DSN() {
		t.Errorf("%s and %s", a.DSN(), b.DSN())
	}
}

func TestDefaultDir(t *testing.T) {
	for _, test := range []struct{ data, want string }{
		{"", ".local/share/gnucensus"},
		{"relative", ".local/share/gnucensus"}, // not valid, says the XDG Base Directory Specification
		{"/data", "/data/gnucensus"},
	} {
		home := t.TempDir()
		t.Setenv("HOME", home)
		t.Setenv("XDG_DATA_HOME", test.data)
		want := test.want
		if os.Geteuid() == 0 {
			want = "/var/lib/gnucensus"
		} else if !filepath.IsAbs(want) {
			want = filepath.Join(home, want)
		}
		if got, err := DefaultDir(); got != want {
			t.Errorf("XDG_DATA_HOME=%s: %s, %v; want %s", test.data, got, err, want)
		}
	}
}

// An ordinary user's cluster is private and runs as that user. Root may use it, and its server runs as that user still.
func TestOrdinaryUser(t *testing.T) {
	needRoot(t)
	t.Parallel()
	nobody, err := firstAccount("nobody")
	if err != nil {
		t.Fatal(err)
	}
	base := baseDir(t)
	self := filepath.Join(base, "helper") // the test's own program is root's alone
	if executable, err := os.Executable(); err != nil {
		t.Fatal(err)
	} else if out, err := exec.Command("install", "-m", "755", executable, self).CombinedOutput(); err != nil {
		t.Fatalf("copy the test program: %v\n%s", err, out)
	}
	home := filepath.Join(base, "home")
	if err := errors.Join(os.Mkdir(home, 0o755), os.Chown(home, int(nobody.uid), int(nobody.gid))); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(home, ".local/share/gnucensus")
	asNobody := func(cmd *exec.Cmd) {
		cmd.Path, cmd.Dir = self, base
		cmd.Env = append(cmd.Env, "HOME="+home, "XDG_DATA_HOME=", "GNUCENSUS_DATA=")
		cmd.SysProcAttr = nobody.process()
	}
	h := startHelper(t, "hold", dir, asNobody)
	h.line(t)
	c := open(t, Config{Dir: dir})
	postmaster := column(t, c.DSN(), "SELECT (string_to_array(pg_read_file('postmaster.pid'), E'\\n'))[1]")[0]
	isNobodys(t, nobody, "/proc/"+postmaster, dir)
	h.finish(t)
	closeCluster(t, c)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info.Mode(), err)
	}

	c = open(t, Config{Dir: dir})
	isNobodys(t, nobody, filepath.Join(dir, pgName), filepath.Join(dir, logFile), filepath.Join(dir, serverLock))
	closeCluster(t, c)
	h = startHelper(t, "hold", dir, asNobody)
	h.line(t)
	h.finish(t)
}

func isNobodys(t *testing.T, nobody account, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || owner(info) != nobody.uid {
			t.Errorf("%s does not belong to nobody (%v)", path, err)
		}
	}
}

// Who runs the server for root.
func TestAccount(t *testing.T) {
	t.Parallel()
	a, err := firstAccount("no such user", "", "root", "nobody")
	if err != nil || a.name != "user nobody" || a.uid == 0 || !a.dropped {
		t.Errorf("account %+v, %v", a, err)
	}
	if _, err := firstAccount("root", "no such user"); err == nil {
		t.Error("root may run the server")
	}
}

// Where there is no user postgres, root's server runs as the user who called sudo, and where nobody did, as nobody.
func TestSudoUser(t *testing.T) {
	needRoot(t)
	t.Parallel()
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("no unshare")
	}
	if said, err := exec.Command(unshare, "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("no mounts of its own for a process: %v\n%s", err, said)
	}
	users, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	others := filepath.Join(t.TempDir(), "passwd")
	all := regexp.MustCompile(`(?m)^postgres:.*\n`).ReplaceAll(users, nil)
	if err := os.WriteFile(others, all, 0o644); err != nil {
		t.Fatal(err)
	}
	for caller, name := range map[string]string{"daemon": "daemon", "": "nobody"} {
		want, err := firstAccount(name)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(baseDir(t), "data")
		h := startHelper(t, "hold", dir, func(cmd *exec.Cmd) {
			cmd.Args = []string{unshare, "--mount", "sh", "-c", `mount --bind "$0" /etc/passwd && exec "$1"`, others, cmd.Path}
			cmd.Path = unshare
			cmd.Env = append(cmd.Env, "SUDO_USER="+caller)
		})
		h.line(t)
		if info, err := os.Stat(filepath.Join(dir, pgName)); err != nil || owner(info) != want.uid {
			t.Errorf("called by %q: the database is not of user %s (%v)", caller, name, err)
		}
		h.finish(t)
	}
}
