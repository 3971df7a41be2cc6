package testscripts

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/sim"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// earlier is another verifier that judges the same forgeries.
var earlier = flag.String("earlier", "", "a `program`: another build of git-launcher-verify, whose verdicts must be those of the table's first column")

const forgeriesPage = "../doc/forgeries.md"

// TestForgedEvidence makes each forgery of doc/forgeries.md on a dstack-sim of 0.5 and
// of 0.6, has the verifier judge its answers, and compares the verdicts with the page's
// table. With -args -earlier PROGRAM it runs that program on the same bytes, too: the
// first column is that of commit 433cbda, whose verdicts reviewers forged.
// SECURITY.md: E4, E5, E6, E12, P1, P2, P3, P4, P6.
func TestForgedEvidence(t *testing.T) {
	bin := programs(t)
	page, err := os.ReadFile(forgeriesPage)
	if err != nil {
		t.Fatal(err)
	}
	honest, before := newDeployment(t, bin, today), (*deployment)(nil)
	if *earlier != "" {
		before = newDeployment(t, bin, first)
	}
	want := []string{"| forgery | first round | now, on 0.5 | now, on 0.6 | by the finding |", "|---|---|---|---|---|"}
	var rows []func() // in the table's order
	t.Run("forge", func(t *testing.T) {
		for _, kind := range forgeries() {
			rows = append(rows, func() { want = append(want, fmt.Sprintf("| **%s** | | | | |", kind.name)) })
			for _, f := range kind.of {
				var row string
				rows = append(rows, func() { want = append(want, row) })
				t.Run(f.name, func(t *testing.T) {
					t.Parallel()
					row = honest.forge(t, before, f, string(page))
				})
			}
		}
	})
	for _, add := range rows {
		add()
	}
	if table := strings.Join(want, "\n"); !t.Failed() && !strings.Contains(string(page), "\n"+table+"\n") {
		t.Errorf("%s does not have this table:\n%s", forgeriesPage, table)
	}
}

// deployment is an honest deployment, from which forgeries are made.
type deployment struct {
	bin, compose string // the file that pin wrote, and another service
	form         writing
	policy       string // what pin wrote, without hashes of the compose file
	launch       []measure.Event
}

// writing says how a deployment of today is written for a verifier.
type writing struct {
	compose func(string) string
	config  func(string) string
}

func asItIs(text string) string { return text }

// today is today's form, and first that of the first round, whose verifier knew no
// config in a variable, no variable that is passed on, and no hash in the config.
var (
	today = writing{asItIs, asItIs}
	first = writing{inline, withoutHashes}
)

func withoutHashes(config string) (kept string) {
	for line := range strings.Lines(config) {
		if !strings.HasPrefix(line, "CONTENT_SHA256=") && !strings.HasPrefix(line, "ENTRYPOINT_SHA256=") {
			kept += line
		}
	}
	return kept
}

// inline returns a compose file as the first round knew it: the config is an inline
// one.
func inline(file string) string {
	file = strings.Replace(file, "      API_KEY: ${API_KEY}\n", "", 1)
	file = strings.Replace(strings.Replace(file, ", \"/var/cache:exec\"", "", 1), ", \"/root:exec\"", "", 1)
	before, rest, _ := strings.Cut(file, "      GIT_LAUNCHER_CONFIG: |\n")
	var config string
	for strings.HasPrefix(rest, "        ") {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		config += line[8:] + "\n"
	}
	def := "launcher: {content: " + string(marshalled(withoutHashes(config))) + "}"
	file = before + "    configs: [{source: launcher, target: /etc/git-launcher/config.conf}]\n" + rest
	if strings.Contains(file, "\nconfigs: {") {
		return strings.Replace(file, "\nconfigs: {", "\nconfigs: {"+def+", ", 1)
	}
	return strings.Replace(file, "\nvolumes:\n", "\nconfigs: {"+def+"}\nvolumes:\n", 1)
}

// newDeployment writes the files of a deployment with pin, and launches it once, on a
// simulator that records it.
func newDeployment(t *testing.T, bin string, form writing) *deployment {
	t.Helper()
	dir := t.TempDir()
	repo, err := gittest.NewSample(filepath.Join(dir, "workload.git"))
	if err != nil {
		t.Fatal(err)
	}
	pin := exec.Command(filepath.Join(bin, "git-launcher"), "pin", "--out", "deploy", "--env", "API_KEY",
		"--image", "example.org/git-launcher@"+forgedLauncher, "--set", "WORK_DIR="+filepath.Join(dir, "vol/tree"), repo.Dir, repo.Head)
	pin.Dir = dir
	if out, err := pin.CombinedOutput(); err != nil {
		t.Fatalf("pin: %v\n%s", err, out)
	}
	file := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	d := &deployment{bin: bin, form: form}
	d.compose = strings.Replace(file("docker-compose.yaml"), "volumes:\n  workload:", "  db:\n    image: postgres:16\n    volumes: [\"db:/var/lib/postgresql/data\"]\nvolumes:\n  db:\n  workload:", 1)
	config := form.config(file("config.conf"))
	for line := range strings.Lines(file("policy.conf")) {
		switch key, _, _ := strings.Cut(line, "="); {
		case key == "CONFIG_SHA256":
			d.policy += fmt.Sprintf("%s=%x\n", key, sha256.Sum256([]byte(config)))
		case key != "DOCKER_COMPOSE_SHA256" && !strings.HasPrefix(key, "#"):
			d.policy += line
		}
	}
	d.launch = d.recorded(t, dir, config)
	return d
}

// recorded launches the honest deployment, and returns its events.
func (d *deployment) recorded(t *testing.T, dir, config string) (events []measure.Event) {
	t.Helper()
	sock := filepath.Join(dir, "dstack.sock")
	for name, text := range map[string]string{"app-compose.json": string(d.appCompose(t, forged{})), "config.conf": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	agent := exec.Command(filepath.Join(d.bin, "dstack-sim"), "--dstack", "0.5", "--socket", sock, "--app-compose", filepath.Join(dir, "app-compose.json"))
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		agent.Process.Signal(os.Interrupt)
		agent.Wait()
	}()
	for end := time.Now().Add(20 * time.Second); !exists(sock); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("dstack-sim did not start")
		}
	}
	run := exec.Command(filepath.Join(d.bin, "git-launcher"), "--dstack-endpoint", sock, "--receipt", filepath.Join(dir, "receipt.json"), filepath.Join(dir, "config.conf"))
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("the honest launch: %v\n%s", err, out)
	}
	client, err := dstack.New(sock, 5*time.Second, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	state, err := client.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	replayed, err := state.Log.Replay()
	if err != nil {
		t.Fatal(err)
	}
	after, _ := measure.AfterReady(replayed)
	for _, e := range after {
		events = append(events, measure.Event{Name: e.Name, Payload: e.Payload})
	}
	return events
}

// appCompose returns the app-compose that dstack would measure.
func (d *deployment) appCompose(t *testing.T, f forged) []byte {
	t.Helper()
	file := d.compose
	for i := 0; i < len(f.change); i += 2 {
		if !strings.Contains(file, f.change[i]) {
			t.Fatalf("the compose file has no %q:\n%s", f.change[i], file)
		}
		file = strings.Replace(file, f.change[i], f.change[i+1], 1)
	}
	doc := map[string]any{"manifest_version": 2, "name": "shop", "runner": "docker-compose", "docker_compose_file": d.form.compose(file), "allowed_envs": []string{"API_KEY"}}
	for key, value := range f.app {
		doc[key] = value
	}
	data := marshalled(doc)
	if f.text != nil {
		data = []byte(f.text(string(data)))
	}
	return data
}

// evidence boots a forgery and leaves quote.json and info.json.
func (d *deployment) evidence(t *testing.T, line sim.Line, f forged) *machine {
	t.Helper()
	m := d.boot(t, line, d.appCompose(t, f), f.sim)
	if line == sim.V05 {
		for _, e := range slices.Concat(d.launchOf(t, m), f.emit) {
			m.emit(t, e)
		}
	}
	m.answers(t)
	if f.hand != nil {
		f.hand(t, d, m)
	}
	return m
}

// launchOf returns the events of a launch by the config in the compose file, which may
// be forged.
func (d *deployment) launchOf(t *testing.T, m *machine) []measure.Event {
	t.Helper()
	file := m.composeFile(t)
	values, err := composeenv.Values([]byte(file), "GIT_LAUNCHER_CONFIG")
	text, there := values["app"]
	if err != nil || !there {
		_, rest, inline := strings.Cut(file, "launcher: {content: ")
		if !inline || json.NewDecoder(strings.NewReader(rest)).Decode(&text) != nil {
			return d.launch // nobody can say what it launches
		}
	}
	events := slices.Clone(d.launch)
	for i, e := range events {
		if e.Name == measure.EventLaunch {
			var record map[string]string
			if err := json.Unmarshal(e.Payload, &record); err != nil {
				t.Fatal(err)
			}
			record["config_sha256"] = fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
			events[i].Payload = marshalled(record)
		}
	}
	return events
}

// forge makes one forgery on both lines of dstack, and returns its row.
func (d *deployment) forge(t *testing.T, before *deployment, f forged, page string) string {
	t.Helper()
	cells := []string{f.name, cellOf(page, f.name), "", "(has no such thing)", ""}
	for i, line := range []sim.Line{sim.V05, sim.V06} {
		if line == sim.V06 && len(f.emit) > 0 {
			continue
		}
		code, out := d.verify(t, filepath.Join(d.bin, "git-launcher-verify"), d.evidence(t, line, f), f, slices.Concat(f.policy, f.now))
		finding, words, _ := strings.Cut(f.said, ": ")
		if code == 2 || (code == 0) != (f.said == "") || !says(out, finding, words) {
			t.Errorf("on dstack %s the verifier ends with %d, and is to say %q:\n%s", line, code, f.said, out)
		}
		cells[2+i], cells[4] = verdicts[code], finding
		if before == nil {
			continue
		}
		code, out = before.verify(t, *earlier, before.evidence(t, line, f), f, slices.Concat(f.policy, f.then))
		if line == sim.V05 {
			cells[1] = verdicts[code]
		} else if code == 0 {
			t.Errorf("the earlier verifier takes evidence of dstack 0.6:\n%s", out)
		}
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// verdicts are the words of the table, by exit code.
var verdicts = map[int]string{0: "VERIFIED", 1: "UNDECIDED", 2: "refused as usage", 3: "NOT VERIFIED (3)", 4: "NOT VERIFIED (4)"}

// verify runs a verifier on a machine's answers, by the honest deployment's policy.
func (d *deployment) verify(t *testing.T, program string, m *machine, f forged, lines []string) (code int, out string) {
	t.Helper()
	text := d.policy
	for line := range strings.Lines(string(m.sim.Policy())) {
		if strings.HasPrefix(line, "MRTD=") || strings.HasPrefix(line, "RTMR") { // what either verifier knows
			text += line
		}
	}
	for _, without := range f.without {
		var kept string
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, without+"=") {
				kept += line
			}
		}
		text = kept
	}
	text += strings.ReplaceAll(strings.Join(lines, "\n")+"\n", itsHash, fmt.Sprintf("DOCKER_COMPOSE_SHA256=%x", sha256.Sum256([]byte(m.composeFile(t)))))
	m.write(t, "policy.conf", []byte(text))
	args := []string{"--json", "--root", m.file("root.pem"), "--policy", m.file("policy.conf")}
	if f.args == nil {
		args = append(args, "--collateral", m.file("collateral.json"), "--info", m.file("info.json"), m.file("quote.json"))
	} else {
		args = append(args, f.args(m)...)
	}
	cmd := exec.Command(program, args...)
	all, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(all)
}

// itsHash is a policy line with the hash of the forged compose file.
const itsHash = "DOCKER_COMPOSE_SHA256=(its hash)"

// says reports whether a report has a finding of this name against the forgery, with
// these words in it. If there is only an error, it must have the words.
func says(out, name, words string) bool {
	var report struct {
		Findings []struct{ Name, Outcome, Found, Why string }
	}
	if json.Unmarshal([]byte(out), &report) != nil {
		return strings.Contains(out, words)
	}
	for _, f := range report.Findings {
		if f.Name == name && f.Outcome != "pass" && strings.Contains(f.Found+" "+f.Why, words) {
			return true
		}
	}
	return name == ""
}

// cellOf returns the first round's verdict in the page's row of a forgery.
func cellOf(page, name string) string {
	_, rest, _ := strings.Cut(page, "\n| "+name+" | ")
	cell, _, _ := strings.Cut(rest, " |")
	return cell
}
