package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Browser is one running browser with one page in it.
type Browser struct {
	Name    string
	bidi    *bidi
	context string

	mu       sync.Mutex
	requests []string // addresses, in the order in which the page asked for them
	problems []string // what the page wrote to its console as an error
}

// start runs a browser until the test ends. dark says that its user prefers dark pages.
func start(t testing.TB, name string, dark bool) *Browser {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	b := &Browser{Name: name}
	run := map[string]func(context.Context, testing.TB, bool) (string, error){"firefox": firefox, "chromium": chromium}[name]
	address, err := run(ctx, t, dark)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if b.bidi, err = dial(ctx, address, b.event); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() { b.bidi.conn.CloseNow() })
	if name == "firefox" {
		b.must(t, "session.new", map[string]any{"capabilities": map[string]any{}}, nil)
	}
	b.must(t, "session.subscribe", map[string]any{"events": []string{"network.beforeRequestSent", "log.entryAdded"}}, nil)
	var tree struct {
		Contexts []struct{ Context string }
	}
	b.must(t, "browsingContext.getTree", map[string]any{}, &tree)
	b.context = tree.Contexts[0].Context
	b.must(t, "browsingContext.activate", map[string]any{"context": b.context}, nil)
	return b
}

// program runs a program until the test ends, and returns what a pattern finds in what it
// prints.
func program(ctx context.Context, t testing.TB, pattern, name string, args ...string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w (apt-get install chromium chromium-driver firefox-esr)", err)
	}
	cmd := exec.Command(path, args...)
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home, "MOZ_DISABLE_CONTENT_SANDBOX=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a browser is many processes
	out, in, err := os.Pipe()
	if err != nil {
		return "", err
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		return "", err
	}
	in.Close()
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		out.Close()
	})
	found := make(chan string, 1)
	re := regexp.MustCompile(pattern)
	var said bytes.Buffer
	var mu sync.Mutex
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			mu.Lock()
			fmt.Fprintln(&said, lines.Text())
			mu.Unlock()
			if m := re.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case found <- m[1]:
				default:
				}
			}
		}
	}()
	select {
	case s := <-found:
		return s, nil
	case <-ctx.Done():
		mu.Lock()
		defer mu.Unlock()
		return "", fmt.Errorf("%s did not start: %s", name, said.String())
	}
}

func firefox(ctx context.Context, t testing.TB, dark bool) (string, error) {
	profile := t.TempDir()
	scheme := map[bool]int{true: 0, false: 1}[dark]
	prefs := fmt.Sprintf("user_pref(\"layout.css.prefers-color-scheme.content-override\", %d);\n", scheme)
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(prefs), 0o600); err != nil {
		return "", err
	}
	address, err := program(ctx, t, `WebDriver BiDi listening on (ws://\S+)`, "firefox-esr", "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", profile)
	return address + "/session", err
}

func chromium(ctx context.Context, t testing.TB, dark bool) (string, error) {
	port, err := program(ctx, t, `started successfully on port (\d+)`, "chromedriver", "--port=0")
	if err != nil {
		return "", err
	}
	binary, err := exec.LookPath("chromium")
	if err != nil {
		return "", err
	}
	scheme := map[bool]string{true: "0", false: "1"}[dark]
	// Root needs --no-sandbox, and CI is root. The page's own policy does not rest on it.
	args := []string{"--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + t.TempDir(), "--blink-settings=preferredColorScheme=" + scheme}
	body, err := json.Marshal(map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"webSocketUrl": true, "goog:chromeOptions": map[string]any{"binary": binary, "args": args},
	}}})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:"+port+"/session", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var session struct {
		Value struct {
			SessionID    string `json:"sessionId"`
			Message      string
			Capabilities struct{ WebSocketURL string }
		}
	}
	if err := json.Unmarshal(data, &session); err != nil {
		return "", err
	}
	if session.Value.Capabilities.WebSocketURL == "" {
		return "", errors.New(session.Value.Message)
	}
	t.Cleanup(func() { // Chromium ends with its session: it is in another process group
		req, err := http.NewRequest(http.MethodDelete, "http://127.0.0.1:"+port+"/session/"+session.Value.SessionID, nil)
		if err == nil {
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
		}
	})
	return session.Value.Capabilities.WebSocketURL, nil
}

func (b *Browser) event(method string, params json.RawMessage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch method {
	case "network.beforeRequestSent":
		var e struct{ Request struct{ URL string } }
		if json.Unmarshal(params, &e) == nil {
			b.requests = append(b.requests, e.Request.URL)
		}
	case "log.entryAdded":
		var e struct{ Level, Text string }
		if json.Unmarshal(params, &e) == nil && e.Level == "error" {
			b.problems = append(b.problems, e.Text)
		}
	}
}

// seen returns what the page asked for, and complained of, since the last call.
func (b *Browser) seen() (requests, problems []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	requests, problems = b.requests, b.problems
	b.requests, b.problems = nil, nil
	return requests, problems
}

func (b *Browser) must(t testing.TB, method string, params, result any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := b.bidi.call(ctx, method, params, result); err != nil {
		t.Fatalf("%s: %v", b.Name, err)
	}
}

// open opens an address, and returns once the page's verifier is there.
func (b *Browser) open(t testing.TB, address string) {
	t.Helper()
	b.must(t, "browsingContext.navigate", map[string]any{"context": b.context, "url": address, "wait": "complete"}, nil)
	if !strings.HasPrefix(address, "file:") && !strings.HasPrefix(address, "http") {
		return
	}
	b.eval(t, `() => new Promise((done) => {
		const look = () => document.documentElement.dataset.ready || document.getElementById('problem').textContent ? done('') : setTimeout(look, 5);
		look();
	})`)
}

// eval calls a function of the page's world, and returns its string.
func (b *Browser) eval(t testing.TB, function string, args ...string) string {
	t.Helper()
	list := []any{}
	for _, a := range args {
		list = append(list, map[string]any{"type": "string", "value": a})
	}
	var r struct {
		Type             string
		Result           struct{ Value any }
		ExceptionDetails struct{ Text string }
	}
	b.must(t, "script.callFunction", map[string]any{
		"functionDeclaration": function, "awaitPromise": true, "arguments": list, "target": map[string]any{"context": b.context}, "userActivation": true,
	}, &r)
	if r.Type != "success" {
		t.Fatalf("%s: %s\n%s", b.Name, r.ExceptionDetails.Text, function)
	}
	s, _ := r.Result.Value.(string)
	return s
}

// text returns the text of an element.
func (b *Browser) text(t testing.TB, id string) string {
	t.Helper()
	return b.eval(t, `(id) => document.getElementById(id).textContent`, id)
}

// setFiles chooses files, as a person does with the button.
func (b *Browser) setFiles(t testing.TB, files ...string) {
	t.Helper()
	var r struct {
		Result struct {
			SharedID string `json:"sharedId"`
		}
	}
	b.must(t, "script.evaluate", map[string]any{"expression": "document.getElementById('files')", "awaitPromise": false, "target": map[string]any{"context": b.context}}, &r)
	b.must(t, "input.setFiles", map[string]any{"context": b.context, "element": map[string]any{"sharedId": r.Result.SharedID}, "files": files}, nil)
}

// press presses keys one after the other. BiDi has special code points for keys without
// a character.
func (b *Browser) press(t testing.TB, keys ...string) {
	t.Helper()
	var actions []any
	for _, k := range keys {
		actions = append(actions, map[string]any{"type": "keyDown", "value": k}, map[string]any{"type": "keyUp", "value": k})
	}
	b.must(t, "input.performActions", map[string]any{"context": b.context, "actions": []any{map[string]any{"type": "key", "id": "keyboard", "actions": actions}}}, nil)
}

// resize sets the width and height of what the page sees, in its pixels.
func (b *Browser) resize(t testing.TB, width, height int) {
	t.Helper()
	b.must(t, "browsingContext.setViewport", map[string]any{"context": b.context, "viewport": map[string]any{"width": width, "height": height}}, nil)
}

// picture writes the whole page as a PNG.
func (b *Browser) picture(t testing.TB, file string) {
	t.Helper()
	b.save(t, "browsingContext.captureScreenshot", map[string]any{"context": b.context, "origin": "document"}, file)
}

// save writes to a file what a command answers in base64.
func (b *Browser) save(t testing.TB, method string, params map[string]any, file string) {
	t.Helper()
	var r struct{ Data string }
	b.must(t, method, params, &r)
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Data))
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
