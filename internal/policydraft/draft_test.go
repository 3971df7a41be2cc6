package policydraft_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/internal/author"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/policydraft"
	"gitlauncher/internal/sim"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system/catalogue"
)

const (
	commit = "0123456789abcdef0123456789abcdef01234567"
	image  = "example.org/git-launcher@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	node   = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	plain  = "REPO_URL=https://example.org/app.git\nCOMMIT_SHA=" + commit + "\n"
	head   = "# TRUST ON FIRST USE. Made from a launch receipt on 2026-03-01T12:00:00Z"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// machine is a simulated VM, with what is launched in it.
type machine struct {
	line    sim.Line
	conf    string // the launcher's
	compose string // empty: the recommended one
	allowed []string
	more    map[string]any // fields of the app-compose
	records int            // how many launches are recorded, each of other content
}

// evidence returns a receipt of the machine, and what it is judged by except the
// policy.
func (m machine) evidence(t *testing.T) (*evidence.Evidence, verify.Params) {
	t.Helper()
	if m.compose == "" {
		m.compose = author.Compose(m.conf, image, nil)
	}
	doc := map[string]any{"manifest_version": 2, "name": "app", "runner": "docker-compose", "docker_compose_file": m.compose, "allowed_envs": append([]string{}, m.allowed...)}
	for k, v := range m.more {
		doc[k] = v
	}
	app, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	vm, err := sim.New(sim.Options{Dstack: m.line, AppCompose: app, Now: now, TEETCBSVN: [16]byte{3, 1}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	socket, ready, ended := t.TempDir()+"/s", make(chan struct{}), make(chan error, 1)
	go func() { ended <- vm.Serve(ctx, socket, func() { close(ready) }) }()
	defer func() { stop(); <-ended }()
	<-ready
	agent, err := dstack.New(socket, time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	record, events := m.launch(t)
	if _, _, err := measure.Emit(ctx, agent, events, func(context.Context, time.Duration) error { return nil }); err != nil && len(events) > 0 {
		t.Fatal(err)
	}
	binding := measure.Recorded
	if m.line == sim.V06 {
		binding = measure.Pinned
	}
	receipt, err := agent.Receipt(ctx, binding, record, measure.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(receipt)
	if err != nil {
		t.Fatal(err)
	}
	e, err := evidence.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	root, err := quote.ParseRoot(vm.RootPEM())
	if err != nil {
		t.Fatal(err)
	}
	collateral, err := vm.Collateral()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := quote.ParseCollateral(collateral)
	if err != nil {
		t.Fatal(err)
	}
	return e, verify.Params{Policy: new(policy.Policy), Root: root, At: now, Collateral: parsed, Systems: catalogue.BuiltIn()}
}

// launch returns the record of the config's launch, and the events of all launches.
func (m machine) launch(t *testing.T) (record []byte, events []measure.Event) {
	t.Helper()
	cfg, err := config.ParseGit("c", []byte(m.conf))
	if err != nil {
		t.Fatal(err)
	}
	for i := range max(m.records, 1) {
		r := &measure.GitRecord{
			Launcher: "v1", ConfigSHA256: digest.Of([]byte(m.conf)).Hex(), RepoURL: cfg.Repo.String(), Commit: cfg.Commit.String(),
			Tree: strings.Repeat("9", 40), ContentSHA256: strings.Repeat(string(rune('c'+i)), 64), Subdir: cfg.Subdir.String(),
		}
		if cfg.Advanced != nil {
			r.Advanced, r.RunCmd, r.InstallCmd = true, cfg.Advanced.RunCmd, cfg.Advanced.InstallCmd
		} else {
			r.Entrypoint, r.EntrypointSHA256 = cfg.Script.String(), strings.Repeat("e", 64)
		}
		if record, err = r.Marshal(); err != nil {
			t.Fatal(err)
		}
		if m.records > i {
			events = append(events, measure.Event{Name: measure.EventCommit, Payload: cfg.Commit.Bytes()}, measure.Event{Name: measure.EventLaunch, Payload: record})
		}
	}
	return record, events
}

// draft returns the policy that is made from the machine's evidence, and the verdict
// under it.
func (m machine) draft(t *testing.T) (text string, under *report.Report) {
	t.Helper()
	e, params := m.evidence(t)
	data, err := policydraft.Of(t.Context(), e, params, verify.Judge(t.Context(), e, params), now)
	if err != nil {
		t.Fatal(err)
	}
	if params.Policy, err = policy.Parse("draft", data); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return string(data), verify.Judge(t.Context(), e, params)
}

// beside returns the recommended compose file with another service in it.
func beside(service string) string {
	return strings.Replace(author.Compose(plain, image, nil), "services:\n", "services:\n"+service, 1)
}

// TestOf: the draft expects what the evidence holds, so the verdict under it is
// VERIFIED, unless somebody has to accept something, which is then in a comment.
func TestOf(t *testing.T) {
	socket := beside("  other: {image: 'postgres@" + node + "', volumes: ['/var/run/dstack.sock:/x']}\n")
	for name, c := range map[string]struct {
		machine
		lines   []string // lines that the draft has
		comment string   // a comment that accepts something
	}{
		"recorded": {machine{line: sim.V05, conf: plain, records: 1}, []string{
			"LAUNCHER_IMAGE_DIGEST=sha256:" + strings.Repeat("a", 64), "COMMIT_SHA=" + commit, "REPO_URL=https://example.org/app.git",
			"CONFIG_SHA256=" + digest.Of([]byte(plain)).Hex(), "CONTENT_SHA256=" + strings.Repeat("c", 64), "REPO_SUBDIR=", "ENTRYPOINT_SCRIPT=entrypoint.sh", "ALLOWED_ENVS=",
			"DOCKER_COMPOSE_SHA256=" + digest.Of([]byte(author.Compose(plain, image, nil))).Hex(),
		}, ""},
		"pinned":            {machine{line: sim.V06, conf: plain}, []string{"COMMIT_SHA=" + commit, "ENTRYPOINT_SCRIPT=entrypoint.sh"}, ""},
		"commands":          {machine{line: sim.V05, conf: plain + "RUN_CMD=make run\nINSTALL_CMD=make\nREPO_SUBDIR=a/b\n", records: 1}, []string{"RUN_CMD=make run", "INSTALL_CMD=make", "REPO_SUBDIR=a/b"}, ""},
		"two launches":      {machine{line: sim.V05, conf: plain, records: 2}, []string{"CONTENT_SHA256=" + strings.Repeat("c", 64), "CONTENT_SHA256=" + strings.Repeat("d", 64)}, ""},
		"variables":         {machine{line: sim.V06, conf: plain, allowed: []string{"B", "A"}}, []string{"ALLOWED_ENVS=A", "ALLOWED_ENVS=B"}, ""},
		"another service":   {machine{line: sim.V06, conf: plain, compose: socket}, []string{"COMMIT_SHA=" + commit}, "# ALLOW_COMPOSE=service:other@sha256:"},
		"an init script":    {machine{line: sim.V06, conf: plain, more: map[string]any{"init_script": []string{"echo"}}}, nil, "# ALLOW_COMPOSE=init_script@sha256:"},
		"a script by phala": {machine{line: sim.V06, conf: plain, more: map[string]any{"pre_launch_script": "echo"}}, nil, "# ALLOW_COMPOSE=pre_launch_script@sha256:"},
	} {
		t.Run(name, func(t *testing.T) {
			text, under := c.draft(t)
			lines := strings.Split(text, "\n")
			for _, want := range c.lines {
				if !slices.Contains(lines, want) {
					t.Errorf("no line %s in\n%s", want, text)
				}
			}
			if !strings.HasPrefix(text, head) || !strings.Contains(text, "# The quote is not under Intel's root: it proves nothing about hardware.\n") {
				t.Errorf("it does not say what it is:\n%s", text)
			}
			accepts := strings.Contains(text, "\n# Each of these accepts something")
			if accepts != (c.comment != "") || !strings.Contains(text, c.comment) {
				t.Errorf("not %q in\n%s", c.comment, text)
			}
			if (under.ExitCode == report.ExitVerified) != (c.comment == "") {
				t.Errorf("under it the exit code is %d:\n%s", under.ExitCode, text)
			}
			for _, line := range lines {
				if key, _, _ := strings.Cut(line, "="); slices.Contains([]string{"ALLOW_COMPOSE", "COLLATERAL", "PERSISTENT_DISK", "ACCEPT_ADVISORY", "TCB_STATUS_ALLOWED"}, key) {
					t.Errorf("it decides for its reader: %s", line)
				}
			}
		})
	}
}

// TestOfNothing: evidence of no launch, and of a compose file in which no service is the
// launcher's, makes a policy that says what it lacks.
func TestOfNothing(t *testing.T) {
	text, under := machine{line: sim.V05, conf: plain, compose: beside("  other: {image: '" + image + "', volumes: ['/var/run/dstack.sock:/x']}\n")}.draft(t)
	for _, want := range []string{"\n# COMMIT_SHA= (the evidence attests no launch)\n", "\n# LAUNCHER_IMAGE_DIGEST= (no service of the compose could be told to be the launcher's)\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if under.ExitCode == report.ExitVerified {
		t.Errorf("VERIFIED under\n%s", text)
	}
}

// TestOfHostile: the maker of the evidence can write no line of the policy.
func TestOfHostile(t *testing.T) {
	const planted = "X\nTCB_STATUS_ALLOWED=OutOfDate\nALLOW_COMPOSE=service:evil"
	for name, m := range map[string]machine{
		"a variable's name": {line: sim.V06, conf: plain, allowed: []string{planted}},
		"a service's name":  {line: sim.V06, conf: plain, compose: beside("  \"x\\nTCB_STATUS_ALLOWED=OutOfDate\\nALLOW_COMPOSE=service:evil\": {image: a, privileged: true}\n")},
		"a script":          {line: sim.V06, conf: plain, more: map[string]any{"pre_launch_script": planted, "init_script": []string{planted}}},
	} {
		t.Run(name, func(t *testing.T) {
			text, _ := m.draft(t)
			p, err := policy.Parse("draft", []byte(text))
			if err != nil || p.AllowCompose.Given() || p.TCBStatusAllowed.Given() {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}

// TestOfNoQuote: evidence whose quote can't be read makes no policy.
func TestOfNoQuote(t *testing.T) {
	e, params := machine{line: sim.V06, conf: plain}.evidence(t)
	e.Quote = []byte("no quote")
	if data, err := policydraft.Of(t.Context(), e, params, new(report.Report), now); err == nil || data != nil {
		t.Errorf("%s, %v", data, err)
	}
}
