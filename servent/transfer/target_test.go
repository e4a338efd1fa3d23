package transfer

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gnucensus/servent/library"
)

// FuzzTarget asks a server that shares one folder for anything at all, and looks for a byte of what lies outside of it.
func FuzzTarget(f *testing.F) {
	secret := bytes.Repeat([]byte("SECRET"), 100)
	top := f.TempDir()
	dir := filepath.Join(top, "shared")
	if err := os.Mkdir(dir, 0o755); err != nil {
		f.Fatal(err)
	}
	put(f, filepath.Join(top, "secret.txt"), secret)
	put(f, filepath.Join(dir, ".hidden.txt"), secret)
	put(f, filepath.Join(dir, "plain.txt"), []byte("plain"))
	put(f, filepath.Join(dir, "replaced.txt"), bytes.Repeat([]byte("public"), 100))
	lib := shared(f, library.Config{Folders: []string{dir}})
	path := filepath.Join(dir, "replaced.txt")
	info, err := os.Stat(path)
	if err != nil {
		f.Fatal(err)
	}
	past := info.ModTime()
	for _, err := range []error{
		os.Chtimes(filepath.Join(top, "secret.txt"), past, past), os.Remove(path), os.Symlink("../secret.txt", path),
		os.Symlink("..", filepath.Join(dir, "up")),
	} {
		if err != nil {
			f.Fatal(err)
		}
	}
	s := NewServer(Config{Library: lib, Hit: hit})
	for _, target := range []string{
		"/", "/get/1/plain.txt", "/get/2/replaced.txt", "/get/2/../../secret.txt", "/get/1/..%2f..%2fsecret.txt", "/up/secret.txt",
		"/../secret.txt", "//secret.txt", "/.hidden.txt", "/get/1/.hidden.txt", "/get/0/", "/get/-1/x", "/get/1/plain.txt%00",
		"/uri-res/N2R?" + nameOf(secret), "/uri-res/N2R?" + nameOf([]byte("plain")), "/uri-res/N2X?" + nameOf(secret),
		"file:///etc/passwd", "http://x/get/1/plain.txt", "*", "/get/1/plain.txt HTTP/1.1\r\nRange: bytes=-1",
	} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		near, far := net.Pipe()
		go s.Serve(context.WithoutCancel(t.Context()), far)
		near.SetDeadline(time.Now().Add(time.Minute))
		go io.WriteString(near, "GET "+target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		answer, err := io.ReadAll(near)
		near.Close()
		if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 ")) {
			t.Fatalf("%q: %q, %v", target, answer, err)
		}
		if bytes.Contains(answer, []byte("SECRET")) {
			t.Fatalf("%q: %q", target, answer)
		}
	})
}
