package page_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A browser is a headless Chromium with one page, driven by its debugging protocol over a pair of pipes: messages are JSON,
// each ended by a NUL.
type browser struct {
	t        *testing.T
	to       *os.File
	from     *bufio.Reader
	session  string
	last     int
	requests []string // what the page has asked for
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here; apt-get install chromium brings one")
	}
	in, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// Without the flags about networking it tries to reach its maker's servers.
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
		"--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{in, out}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	b := &browser{t: t, to: to, from: bufio.NewReaderSize(from, 1<<20)}
	t.Cleanup(func() {
		b.session = ""
		b.call("Browser.close", nil)
		cmd.Wait()
		to.Close()
		from.Close()
	})
	target := b.call("Target.createTarget", map[string]any{"url": "about:blank"})
	b.session = b.call("Target.attachToTarget", map[string]any{"targetId": target["targetId"], "flatten": true})["sessionId"].(string)
	b.call("Page.enable", nil)
	b.call("Network.enable", nil)
	return b
}

type protocolMessage struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result map[string]any  `json:"result"`
	Error  *struct{ Message string }
}

// call sends a command and returns its result.
func (b *browser) call(method string, params map[string]any) map[string]any {
	b.t.Helper()
	b.last++
	command := map[string]any{"id": b.last, "method": method}
	if params != nil {
		command["params"] = params
	}
	if b.session != "" {
		command["sessionId"] = b.session
	}
	text, err := json.Marshal(command)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		b.t.Fatal(err)
	}
	for {
		m := b.next()
		if m.ID != b.last {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		return m.Result
	}
}

// next returns the next message and notes requests.
func (b *browser) next() protocolMessage {
	b.t.Helper()
	text, err := b.from.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("chromium is gone: %v", err)
	}
	var m protocolMessage
	if err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &m); err != nil {
		b.t.Fatal(err)
	}
	if m.Method == "Network.requestWillBeSent" {
		var p struct{ Request struct{ URL string } }
		if err := json.Unmarshal(m.Params, &p); err != nil {
			b.t.Fatal(err)
		}
		b.requests = append(b.requests, p.Request.URL)
	}
	return m
}

// show loads a page and waits until it and all that it asks for are there.
func (b *browser) show(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url})
	for b.next().Method != "Page.loadEventFired" {
	}
}

// evaluate returns the value of an expression in the page.
func (b *browser) evaluate(expression string) any {
	b.t.Helper()
	result := b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true})
	return result["result"].(map[string]any)["value"]
}

func (b *browser) width(pixels int) {
	b.call("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": false})
}

func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	file := filepath.Join(t.TempDir(), "census.html")
	if err := os.WriteFile(file, census(t), 0o600); err != nil {
		t.Fatal(err)
	}
	ground := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia",
			map[string]any{"features": []map[string]any{{"name": "prefers-color-scheme", "value": scheme}}})
		for _, width := range []int{1280, 400} {
			b.width(width)
			b.show("file://" + file)
			if got := b.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"); got != float64(0) {
				t.Errorf("%s, %d wide: the page is %v too wide", scheme, width, got)
			}
			if got := b.evaluate("[...document.images].filter(i => !i.complete || !i.naturalWidth).length"); got != float64(0) {
				t.Errorf("%s, %d wide: %v images are broken", scheme, width, got)
			}
		}
		ground[b.evaluate("getComputedStyle(document.body).backgroundColor").(string)] = true
	}
	if len(ground) != 2 {
		t.Errorf("light and dark have the grounds %v", ground)
	}
	if got := b.evaluate("document.scripts.length"); got != float64(0) {
		t.Errorf("the page has %v scripts", got)
	}
	for _, url := range b.requests {
		if url != "file://"+file && !strings.HasPrefix(url, "data:image/svg+xml;base64,") {
			t.Errorf("the page asks for %s", url)
		}
	}
	if len(b.requests) == 0 {
		t.Error("no request was seen, not even that for the page")
	}
}
