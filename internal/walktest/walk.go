package walktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/gittest"
)

// Way is one way to follow the page.
type Way struct {
	Top      string // of the source
	Workload string // a folder of demo/workloads
	Dstack   string // "0.5" or "0.6"
	Host     string // an address of this machine, at which the launcher finds the repository
	Image    string // the launcher's, by digest
	SimImage string // with Docker: the simulator's
	Project  string // with Docker: what Compose calls the deployment
	Env      []string
}

// The page's blocks of commands, in their order.
const (
	begin = iota
	pin
	edit
	boot
	launch
	launchInDocker
	judge
	update
	rollback
	all
)

// Texts of the page that differ from reader to reader.
const (
	dev         = "git-launcher-dev dev &"
	devInDocker = "git-launcher-dev dev --docker --publish 8080:8080 --image git-launcher-python:VERSION"
	workDir     = "--set WORK_DIR=/tmp/hello"
	notForShell = "# not for shell"
	verified    = "\nVERIFIED UNDER A ROOT THAT IS NOT INTEL'S: THIS PROVES NOTHING ABOUT HARDWARE\n"
)

// walker is one run through the page.
type walker struct {
	*Way
	testing.TB
	commands []string
	dir      string // where the page's reader begins
	clone    string // the workload's
	port     string // on which the workload serves
	took     []string
}

// Go follows the page.
func (w *Way) Go(t testing.TB) {
	k := &walker{Way: w, TB: t}
	k.read()
	k.prepare()

	k.run("begin", k.dir, k.begin())
	first := k.commit()
	k.run("pin", k.clone, k.pin())
	out := k.run("edit and lint", k.clone, k.commands[edit])
	k.has(out, "check D will pass under deploy/policy.conf")
	edited := k.deployed()
	k.launched(first, "hello")

	out = k.run("pin --update", k.clone, k.commands[update])
	second := k.commit()
	k.has(out, "it adds:\n  "+second[:7], "say hello again", "check D will pass under deploy/policy.conf")
	k.moved(edited, first, second)
	k.launched(second, "hello again")
	k.refused("../before.conf", second)

	k.write(filepath.Join(k.clone, "../before.conf"), k.deployed()["policy.conf"])
	out = k.run("pin --rollback", k.clone, k.commands[rollback])
	k.has(out, "it takes back:\n  "+second[:7])
	for name, text := range k.deployed() {
		if text != edited[name] {
			k.Errorf("the rollback made another %s:\n%s\nand it was\n%s", name, text, edited[name])
		}
	}
	k.launched(first, "hello")
	k.refused("../before.conf", first)
	k.Logf("%s on dstack %s: %s", k.Workload, k.Dstack, strings.Join(k.took, ", "))
}

// read reads the commands from the page.
func (k *walker) read() {
	page, err := os.ReadFile(filepath.Join(k.Top, "doc/deploy.md"))
	if err != nil {
		k.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)\n### From nothing to VERIFIED.*?\n## `).Find(page)
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(section, -1) {
		k.commands = append(k.commands, string(m[1]))
	}
	if len(k.commands) != all {
		k.Fatalf("doc/deploy.md has %d blocks of commands there, and not %d", len(k.commands), all)
	}
	k.has(string(section), dev, devInDocker, workDir)
}

// prepare makes the folders that the page takes for granted, and a Git host.
func (k *walker) prepare() {
	dir := k.TempDir()
	k.dir = filepath.Join(dir, "home")
	k.clone = filepath.Join(k.dir, "hello")
	k.port = k.freePort()
	k.write(filepath.Join(k.dir, ".keep"), "")
	k.write(filepath.Join(dir, "tmp/.keep"), "")
	from := filepath.Join(k.Top, "demo/workloads", k.Workload)
	files, err := os.ReadDir(from)
	if err != nil {
		k.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err != nil {
			k.Fatal(err)
		}
		k.write(filepath.Join(dir, "git-launcher/demo/workloads", k.Workload, f.Name()), strings.ReplaceAll(string(text), "8080", k.port))
	}

	bare, err := gittest.NewRepo(filepath.Join(dir, "srv/hello.git"))
	if err != nil {
		k.Fatal(err)
	}
	server := &gittest.Server{Root: filepath.Join(dir, "srv")}
	address, stop, err := server.Start(k.Host + ":0")
	if err != nil {
		k.Fatal(err)
	}
	k.Cleanup(stop)
	address += "/hello.git"
	replace := strings.NewReplacer("https://github.com/you/hello.git", address, "/workloads/python", "/workloads/"+k.Workload,
		"registry.example/git-launcher-python@sha256:...", k.Image, "--dstack 0.6", "--dstack "+k.Dstack, "8080", k.port,
		"-p hello", "-p "+k.Project)
	for i, text := range k.commands {
		if k.Workload == "shell" {
			text = regexp.MustCompile(`(?m)^.*`+notForShell+`\n`).ReplaceAllString(text, "")
		}
		k.commands[i] = replace.Replace(text)
	}
	// The host accepts pushes only from this machine, by its folder.
	k.Env = append(k.Env, "TMPDIR="+filepath.Join(dir, "tmp"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=url."+bare.Dir+".pushInsteadOf", "GIT_CONFIG_VALUE_0="+address,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org")
}

// freePort returns a free port outside the range that the kernel gives to clients.
func (k *walker) freePort() string {
	for range 1000 {
		port := fmt.Sprint(20000 + rand.IntN(12000))
		if l, err := net.Listen("tcp", ":"+port); err == nil {
			l.Close()
			return port
		}
	}
	k.Fatal("no port is free")
	return ""
}

func (k *walker) docker() bool { return k.SimImage != "" }

func (k *walker) begin() string {
	command := "git-launcher-dev dev --dstack " + k.Dstack + " &"
	if k.docker() {
		command = strings.NewReplacer("8080", k.port, "git-launcher-python:VERSION", k.Image).Replace(devInDocker) + " --sim-image " + k.SimImage + " --dstack " + k.Dstack + " &"
	}
	return strings.Replace(k.commands[begin], dev, command, 1)
}

func (k *walker) pin() string {
	text := strings.TrimSpace(k.commands[pin])
	if !k.docker() {
		text += " " + strings.Replace(workDir, "/tmp/", filepath.Dir(k.dir)+"/tmp/", 1)
	}
	return text
}

// launched launches what is deployed, and requires that the commit answers and is
// verified.
func (k *walker) launched(commit, greeting string) {
	k.Helper()
	how := launch
	if k.docker() {
		how = launchInDocker
	}
	out := k.run("boot, launch and judge", k.clone, k.commands[boot]+k.commands[how]+k.commands[judge])
	if log, err := os.ReadFile(filepath.Join(k.clone, "../run/log")); err == nil {
		out += string(log)
	}
	proven := map[string]string{"0.5": "launched commit ", "0.6": "can launch only commit "}[k.Dstack]
	k.has(out, "\n"+greeting+", from commit "+commit+"\n", proven+commit, verified)
}

// refused requires that the last launch is refused under another policy.
func (k *walker) refused(policy, commit string) {
	k.Helper()
	verify, _, _ := strings.Cut(k.commands[judge], "\n")
	cmd := k.command(k.clone, strings.Replace(verify, "deploy/policy.conf", policy, 1))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 4 {
		k.Fatalf("%v under %s\n%s", err, policy, out)
	}
	if !regexp.MustCompile(`(?m)^NOT ALLOWED +commit +expected [0-9a-f]{40}\n +found +` + commit + `$`).Match(out) {
		k.Errorf("commit %s is not what %s refuses:\n%s", commit, policy, out)
	}
}

// moved requires that the files are what they were, except for the pin.
func (k *walker) moved(before map[string]string, first, second string) {
	k.Helper()
	hashes := regexp.MustCompile(`[0-9a-f]{64}|\b[0-9a-f]{40}\b`)
	for name, now := range k.deployed() {
		if !strings.Contains(now, second) || strings.Contains(now, first) || hashes.ReplaceAllString(now, "") != hashes.ReplaceAllString(before[name], "") {
			k.Errorf("%s was\n%s\nand is\n%s", name, before[name], now)
		}
		k.has(now, "mine")
	}
}

// deployed returns what the deployment's files hold.
func (k *walker) deployed() map[string]string {
	texts := make(map[string]string)
	for _, name := range []string{"config.conf", "docker-compose.yaml", "policy.conf"} {
		text, err := os.ReadFile(filepath.Join(k.clone, "deploy", name))
		if err != nil {
			k.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

func (k *walker) commit() string {
	id, err := gittest.Git(k.clone, nil, "rev-parse", "HEAD")
	if err != nil {
		k.Fatal(err)
	}
	return id
}

// limit is how long a step may take on a slow machine.
const limit = 10 * time.Minute

// run runs commands as one script, which ends if one of them fails.
func (k *walker) run(name, dir, text string) string {
	k.Helper()
	began := time.Now()
	out, err := k.command(dir, text).CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(k.clone, "../run/log"))
		k.Fatalf("%s: %v\n%s\n%s\n%s", name, err, text, out, log)
	}
	k.took = append(k.took, fmt.Sprintf("%s %.1f s", name, time.Since(began).Seconds()))
	return string(out)
}

func (k *walker) command(dir, text string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	k.Cleanup(cancel)
	// Programs that a failed script leaves running are told to end.
	cmd := exec.CommandContext(ctx, "bash", "-c", "set -e; trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n"+text)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, append(os.Environ(), k.Env...), time.Second
	return cmd
}

func (k *walker) write(name, text string) {
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(text), 0o644)
	}
	if err != nil {
		k.Fatal(err)
	}
}

func (k *walker) has(out string, texts ...string) {
	k.Helper()
	for _, want := range texts {
		if !strings.Contains("\n"+out, want) {
			k.Errorf("%q is not in:\n%s", want, out)
		}
	}
}
