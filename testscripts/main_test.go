// Package testscripts runs git-launcher, git-launcher-verify, git-launcher-dev and
// dstack-sim as users do: the built programs, with a real Git server and a socket that
// answers like dstack's. Each *.txtar is one behaviour; `ls` here is the list of what
// the programs do.
package testscripts

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gitlauncher/internal/gittest"
	"gitlauncher/internal/regtest"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

const appCompose = `{"manifest_version":2,"name":"demo","runner":"docker-compose","docker_compose_file":"services: {}\n"}`

func TestScripts(t *testing.T) {
	bin := programs(t)
	testscript.Run(t, testscript.Params{
		Dir:                 ".",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			deploy, err := filepath.Abs("../doc/deploy.md")
			if err != nil {
				return err
			}
			env.Setenv("DEPLOY", deploy)
			if dir := os.Getenv(coverVar); dir != "" {
				env.Setenv("GOCOVERDIR", dir)
			}
			env.Values[stateKey{}] = &state{}
			page, err := os.ReadFile("../VERIFY.md")
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(env.WorkDir, "verify.sh"), []byte(verifyScript(string(page))), 0o644); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "app-compose.json"), []byte(appCompose), 0o644)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return haveRoot()
			}
			if cond == "engine" {
				return haveEngine()
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
		Cmds: withImageCommands(map[string]func(*testscript.TestScript, bool, []string){
			"gitserver":   cmdGitServer,
			"misbehave":   cmdMisbehave,
			"requests":    cmdRequests,
			"stopserver":  cmdStopServer,
			"sim":         cmdSim,
			"socket":      cmdSocket,
			"config":      cmdConfig,
			"compose":     cmdCompose,
			"events":      cmdEvents,
			"notstarted":  cmdNotStarted,
			"exitcode":    cmdExitCode,
			"sshserver":   cmdSSHServer,
			"foreignemit": cmdForeignEmit,
			"await":       cmdAwait,
			"asked":       cmdAsked,
			"logged":      cmdLogged,
			"attest":      cmdAttest,
			"front":       cmdFront,
			"transcript":  cmdTranscript,
		}),
	})
}

// TestMain keeps what is built for all tests in one folder.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "testscripts-")
	if err != nil {
		panic(err)
	}
	buildDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var buildDir string

// coverVar names the variable with the folder in which the programs count what runs
// (make cover). If it is unset, they don't.
const coverVar = "GIT_LAUNCHER_TEST_COVER"

// programs builds the programs and returns their directory. The build
// with the stage hook is the same program, with a way to kill it at a named stage.
func programs(t *testing.T) string {
	t.Helper()
	dir, err := buildPrograms()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var buildPrograms = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(buildDir, "bin")
	args := []string{"build", "-trimpath", "-tags", "stagehook", "-o", bin + "/"}
	if dir := os.Getenv(coverVar); dir != "" {
		args = append(args, "-cover", "-covermode=atomic", "-coverpkg=./...")
		if err := os.Setenv("GOCOVERDIR", dir); err != nil {
			return "", err
		}
	}
	build := exec.Command("go", append(args, "./cmd/git-launcher", "./cmd/dstack-sim", "./cmd/git-launcher-verify", "./cmd/git-launcher-dev")...)
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return bin, nil
})

type stateKey struct{}

// state is what one script has running.
type state struct {
	server   *gittest.Server
	stop     func()
	repo     *gittest.Sample
	registry *regtest.Server
	listener net.Listener
	stopSim  func()

	stopAttest func() error
}

func of(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

func check(ts *testscript.TestScript, err error) {
	if err != nil {
		ts.Fatalf("%v", err)
	}
}

// gitserver [password=P] [reachable] [tls] [sha256]: serves the sample repository, of Git's
// older or newer object format; sets REPO_URL, REPO_DIR, COMMIT (main), FIRST (its parent)
// and TAG (an annotated tag's id); with tls, ca.pem.
func cmdGitServer(ts *testscript.TestScript, neg bool, args []string) {
	st := of(ts)
	root := ts.MkAbs("srv")
	var err error
	var options []string
	if i := slices.Index(args, "sha256"); i >= 0 {
		args, options = slices.Delete(args, i, i+1), []string{gittest.SHA256}
	}
	st.repo, err = gittest.NewSample(filepath.Join(root, "workload.git"), options...)
	check(ts, err)
	st.server = &gittest.Server{Root: root}
	secure := false
	for _, a := range args {
		if p, ok := strings.CutPrefix(a, "password="); ok {
			st.server.Password = p
		} else if a == "reachable" {
			check(ts, st.repo.Config("uploadpack.allowAnySHA1InWant", "true"))
		} else if a == "tls" {
			secure = true
		} else {
			ts.Fatalf("gitserver: %s", a)
		}
	}
	var url string
	var stop func()
	if secure {
		cert, pem, cerr := gittest.Certificate("127.0.0.1", time.Now().Add(time.Hour))
		check(ts, cerr)
		check(ts, os.WriteFile(ts.MkAbs("ca.pem"), pem, 0o644))
		url, stop, err = st.server.StartTLS("127.0.0.1:0", cert)
	} else {
		url, stop, err = st.server.Start("127.0.0.1:0")
	}
	check(ts, err)
	st.stop = stop
	ts.Defer(stop)
	ts.Setenv("REPO_URL", url+"/workload.git")
	ts.Setenv("REPO_DIR", st.repo.Dir)
	ts.Setenv("COMMIT", st.repo.Head)
	ts.Setenv("FIRST", st.repo.First)
	ts.Setenv("TAG", st.repo.Tag)
}

func cmdStopServer(ts *testscript.TestScript, neg bool, args []string) { of(ts).stop() }

// misbehave FAULT...: the Git server's faults from now on.
func cmdMisbehave(ts *testscript.TestScript, neg bool, args []string) {
	var faults []gittest.Fault
	for _, a := range args {
		f, err := gittest.ParseFault(a)
		check(ts, err)
		faults = append(faults, f)
	}
	of(ts).server.Misbehave(faults...)
}

// requests N: this many requests came since the last time.
func cmdRequests(ts *testscript.TestScript, neg bool, args []string) {
	got := of(ts).server.Requests()
	for _, r := range got {
		ts.Logf("%v", r)
	}
	if fmt.Sprint(len(got)) != args[0] != neg {
		ts.Fatalf("%d requests came", len(got))
	}
}

// sim [FAULT...] [--FLAG VALUE...]: a guest agent; sets SOCK. It is one of dstack 0.5,
// where a launch is recorded, unless --dstack says otherwise. A second one replaces the
// first, as after a reboot.
func cmdSim(ts *testscript.TestScript, neg bool, args []string) {
	if stop := of(ts).stopSim; stop != nil {
		stop()
	}
	sock := ts.MkAbs("dstack.sock")
	flags := []string{"--socket", sock, "--app-compose", ts.MkAbs("app-compose.json"), "--root-out", ts.MkAbs("root.pem"),
		"--collateral-out", ts.MkAbs("collateral.json"), "--policy-out", ts.MkAbs("system.conf")}
	if !slices.Contains(args, "--dstack") {
		flags = append(flags, "--dstack", "0.5")
	}
	for len(args) > 0 && !strings.HasPrefix(args[0], "--") {
		flags = append(flags, "--fault", args[0])
		args = args[1:]
	}
	flags = append(flags, args...)
	exe, err := lookPath(ts, "dstack-sim")
	check(ts, err)
	cmd := exec.Command(exe, flags...)
	stderr, err := cmd.StderrPipe()
	check(ts, err)
	check(ts, cmd.Start())
	of(ts).stopSim = sync.OnceFunc(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	ts.Defer(of(ts).stopSim)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "listening") {
			ts.Setenv("SOCK", sock)
			return
		}
	}
	ts.Fatalf("dstack-sim did not start")
}

func lookPath(ts *testscript.TestScript, name string) (string, error) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, name); exists(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not in PATH", name)
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// socket hang|STATUS: a guest agent that never answers, or always with a status.
func cmdSocket(ts *testscript.TestScript, neg bool, args []string) {
	sock := ts.MkAbs("dstack.sock")
	l, err := net.Listen("unix", sock)
	check(ts, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var status int
		if _, err := fmt.Sscan(args[0], &status); err != nil {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, "{junk\x00")
	})}
	go server.Serve(l)
	ts.Defer(func() { server.Close() })
	ts.Setenv("SOCK", sock)
}

// config [KEY=VALUE...]: writes config.conf with REPO_URL, COMMIT_SHA and WORK_DIR
// of the script, changed or completed by the arguments; KEY alone leaves it out.
func cmdConfig(ts *testscript.TestScript, neg bool, args []string) {
	lines := []string{"REPO_URL=" + ts.Getenv("REPO_URL"), "COMMIT_SHA=" + ts.Getenv("COMMIT"), "WORK_DIR=" + ts.MkAbs("vol/tree")}
	for _, a := range args {
		key, _, set := strings.Cut(a, "=")
		for i, l := range lines {
			if strings.HasPrefix(l, key+"=") {
				lines = append(lines[:i], lines[i+1:]...)
				break
			}
		}
		if set {
			lines = append(lines, a)
		}
	}
	check(ts, os.WriteFile(ts.MkAbs("config.conf"), []byte(strings.Join(lines, "\n")+"\n"), 0o644))
}

// compose [FILE [NAME...]]: writes app-compose.json, as dstack would measure it, from a
// compose file, with these names as allowed_envs. Without a file it is the recommended
// compose, with config.conf in it. Sets LAUNCHER, the launcher image's digest.
func cmdCompose(ts *testscript.TestScript, neg bool, args []string) {
	allowed := []string{}
	if len(args) > 1 {
		allowed = args[1:]
	}
	digest := "sha256:" + strings.Repeat("a1", 32)
	ts.Setenv("LAUNCHER", digest)
	text := "services:\n  launcher:\n    image: example.org/git-launcher@" + digest + "\n" +
		"    read_only: true\n" +
		"    volumes: ['/var/run/dstack.sock:/var/run/dstack.sock', 'workload:/var/lib/git-launcher']\n" +
		"    environment:\n      GIT_LAUNCHER_CONFIG: |\n"
	if len(args) > 0 {
		text = ts.ReadFile(args[0])
	} else {
		for line := range strings.Lines(ts.ReadFile("config.conf")) {
			text += "        " + strings.ReplaceAll(line, "$", "$$")
		}
		text += "volumes: {workload: {}}\n"
	}
	data, err := json.Marshal(map[string]any{"manifest_version": 2, "name": "demo", "runner": "docker-compose", "docker_compose_file": text, "allowed_envs": allowed})
	check(ts, err)
	check(ts, os.WriteFile(ts.MkAbs("app-compose.json"), data, 0o644))
}

func client(ts *testscript.TestScript) *dstack.Client {
	c, err := dstack.New(ts.Getenv("SOCK"), 5*time.Second, slog.New(slog.DiscardHandler))
	check(ts, err)
	return c
}

// events NAME=PAYLOADHEX|NAME...: exactly these events, or none, stand after
// system-ready, in a log that replays to the register.
func cmdEvents(ts *testscript.TestScript, neg bool, args []string) {
	state, err := client(ts).State(context.Background())
	check(ts, err)
	replayed, err := state.Log.Replay()
	check(ts, err)
	if measure.End(replayed) != state.RTMR3 {
		ts.Fatalf("the log does not replay")
	}
	after, _ := measure.AfterReady(replayed)
	var got []string
	for i, e := range after {
		s := e.Name
		if i < len(args) && strings.Contains(args[i], "=") {
			s += "=" + hex.EncodeToString(e.Payload)
		}
		got = append(got, s)
		ts.Logf("%s %s", e.Name, e.Payload)
	}
	if strings.Join(got, " ") != strings.Join(args, " ") != neg {
		ts.Fatalf("events are %q", got)
	}
}

// foreignemit NAME TEXT: somebody else with the socket emits an event.
func cmdForeignEmit(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, client(ts).Emit(context.Background(), measure.Event{Name: args[0], Payload: []byte(args[1])}))
}

// notstarted: the last command ran nothing of the workload, and said so.
func cmdNotStarted(ts *testscript.TestScript, neg bool, args []string) {
	if out := ts.ReadFile("stdout"); strings.Contains(out, "workload") {
		ts.Fatalf("the workload ran: %s", out)
	}
	if log := ts.ReadFile("stderr"); strings.Count(log, "FAILED to ") != 1 || strings.Count(log, "What to do: ") != 1 {
		ts.Fatalf("no line that names the step, or none that says what to do:\n%s", log)
	}
}

// exitcode N COMMAND...: the command ends with that code. Its output is in stdout
// and stderr.
func cmdExitCode(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if ee, ok := err.(*exec.ExitError); ok {
		code = ee.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code is %d", code)
	}
}

// sshserver: serves the same repository through sshd; sets SSH_URL, SSH_KEY,
// SSH_KNOWN_HOSTS.
func cmdSSHServer(ts *testscript.TestScript, neg bool, args []string) {
	s, err := gittest.StartSSH(ts.MkAbs("ssh"))
	check(ts, err)
	ts.Defer(s.Stop)
	ts.Setenv("SSH_URL", s.URL(of(ts).repo.Dir))
	ts.Setenv("SSH_KEY", s.KeyFile)
	ts.Setenv("SSH_KNOWN_HOSTS", s.KnownHosts)
}

// asked: a request comes to the Git server, within ten seconds.
func cmdAsked(ts *testscript.TestScript, neg bool, args []string) {
	for end := time.Now().Add(10 * time.Second); len(of(ts).server.Requests()) == 0; {
		if time.Now().After(end) {
			ts.Fatalf("nobody asks")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// logged FILE TEXT: the text is in the file, within ten seconds.
func cmdLogged(ts *testscript.TestScript, neg bool, args []string) {
	for end := time.Now().Add(10 * time.Second); ; {
		if text, _ := os.ReadFile(ts.MkAbs(args[0])); strings.Contains(string(text), args[1]) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s does not say %q", args[0], args[1])
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// await FILE: the file is there, within ten seconds.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	for end := time.Now().Add(10 * time.Second); !exists(ts.MkAbs(args[0])); {
		if time.Now().After(end) {
			ts.Fatalf("%s does not come", args[0])
		}
		time.Sleep(10 * time.Millisecond)
	}
}
