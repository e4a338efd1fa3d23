package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// settings go to the end of a new cluster's postgresql.conf, where its owner may change them. What must hold is on the
// server's command line.
const settings = `
# gnucensus: no committed row is lost
fsync = on
synchronous_commit = on
full_page_writes = on
# gnucensus: one machine, nothing to replicate to
wal_level = minimal
max_wal_senders = 0
max_logical_replication_workers = 0
# gnucensus: reports are short statements, compiling them takes longer than running them
jit = off
# gnucensus: the log is for trouble
log_checkpoints = off
`

// make makes a new cluster in a scratch folder, which gets the cluster's name when it is whole and on disk. Then a
// maker that is killed leaves a scratch folder, and the next one clears it. The caller holds the gate.
func (p *place) make(ctx context.Context, gate *os.File) (err error) {
	progs, err := findPrograms(ctx, p.programs, p.path(pgName), 0)
	if err != nil {
		return err
	}
	dir := p.path(scratch)
	defer func() {
		if err != nil {
			err = fmt.Errorf("make a database in %s: %w", p.dir, errors.Join(err, os.RemoveAll(dir)))
		}
	}()
	p.log.Info("making a database", "dir", p.dir, "programs", progs)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := p.makeFolder(dir); err != nil {
		return err
	}
	if err := p.initdb(ctx, progs, dir, gate); err != nil {
		return err
	}
	if err := appendFile(filepath.Join(dir, "postgresql.conf"), settings); err != nil {
		return err
	}
	if err := syncTree(dir); err != nil {
		return err
	}
	if err := os.Rename(dir, p.path(pgName)); err != nil {
		return err
	}
	return syncFile(p.dir)
}

// initdb runs initdb in an empty folder. It inherits the gate, see there.
func (p *place) initdb(ctx context.Context, progs programs, dir string, gate *os.File) error {
	cmd := exec.CommandContext(ctx, filepath.Join(progs.dir, "initdb"), "--pgdata", dir, "--username", role,
		"--auth-local", "trust", "--auth-host", "reject", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	cmd.Dir = p.dir
	cmd.Env = environment()
	cmd.ExtraFiles = []*os.File{gate}
	cmd.SysProcAttr = p.account.process()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // it runs postgres in its group
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if full := diskFull(dir, string(out)); full != nil {
		err = full
	}
	if err != nil {
		return fmt.Errorf("run initdb: %w\n%s", err, lastLines(string(out)))
	}
	return nil
}

// diskFull is the error of a program that says, in the C locale, that it could not write into a folder for lack of room; nil
// when it does not say so.
func diskFull(dir, said string) error {
	if !strings.Contains(said, "No space left on device") {
		return nil
	}
	return &fs.PathError{Op: "write into", Path: dir, Err: syscall.ENOSPC}
}

// environment is ours without what would steer PostgreSQL. The time zone is given, as initdb would else compare every
// zone of the system with the local time, which takes as long as all the rest.
func environment() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "PG") && !strings.HasPrefix(name, "LC_") && name != "LANG" && name != "TZ" {
			env = append(env, e)
		}
	}
	return env
}

// lastLines are the last lines of what a program said, for an error message.
func lastLines(said string) string {
	const most = 12
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// syncTree brings every file and folder below dir to the disk, several at once: the file system then writes its journal
// once for many of them, where initdb waits for it a thousand times.
func syncTree(dir string) error {
	var group errgroup.Group
	group.SetLimit(16)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (entry.IsDir() || entry.Type().IsRegular()) {
			group.Go(func() error { return syncFile(path) })
		}
		return err
	})
	return errors.Join(err, group.Wait())
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
