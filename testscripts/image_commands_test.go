package testscripts

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rogpeppe/go-internal/testscript"

	"gitlauncher/internal/regtest"
	"gitlauncher/internal/testenv"
)

// haveRoot reports whether the tests run as root. In CI they must.
func haveRoot() (bool, error) {
	root := os.Geteuid() == 0
	if !root && os.Getenv("CI") != "" {
		return false, errors.New("CI must not skip what needs root")
	}
	return root, nil
}

// haveEngine reports whether this machine has a Docker Engine. In CI it must have one.
var haveEngine = sync.OnceValues(func() (bool, error) {
	out, err := exec.Command("docker", "version").CombinedOutput()
	if err != nil && os.Getenv("CI") != "" {
		return false, fmt.Errorf("the Docker Engine is needed in CI: %v\n%s", err, out)
	}
	return err == nil, nil
})

// needEngine skips a test without a Docker Engine, and fails it in CI.
func needEngine(t *testing.T) {
	t.Helper()
	have, err := haveEngine()
	if err != nil {
		t.Fatal(err)
	}
	if !have {
		testenv.Skip(t, "this machine has no Docker Engine")
	}
}

// nodeBinary is the node stand-in, built once.
var nodeBinary = sync.OnceValues(func() (string, error) {
	return regtest.BuildStatic(buildDir, "gitlauncher/internal/regtest/node")
})

func withImageCommands(cmds map[string]func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	maps.Copy(cmds, map[string]func(*testscript.TestScript, bool, []string){
		"node":         cmdNode,
		"registry":     cmdRegistry,
		"regfault":     cmdRegFault,
		"nodeimage":    cmdNodeImage,
		"approve":      cmdApprove,
		"userconfig":   cmdUserConfig,
		"aspage":       cmdAsPage,
		"container":    cmdContainer,
		"neverran":     cmdNeverRan,
		"awaitnode":    cmdAwaitNode,
		"getid":        cmdGetID,
		"dockerconfig": cmdDockerConfig,
		"takeport":     cmdTakePort,
		"freeport":     cmdFreePort,
		"dockersocket": cmdDockerSocket,
		"awaitexit":    cmdAwaitExit,
		"sendsignal":   cmdSendSignal,
		"stopsim":      cmdStopSim,
	})
	return cmds
}

// profile returns that of an MPC node with other names and places, so that tests can
// run beside each other.
func profile(name, shared, socket string) string {
	return fmt.Sprintf(`name = %[1]q
project = %[1]q
service = "mpc-node"
network = "%[1]s_default"
command = ["/app/mpc-node", "start-with-config-file", "/mnt/shared/mpc-config.toml"]
mounts = ["%[2]s:/mnt/shared", "%[1]s-data:/data"]
security_opt = ["no-new-privileges:true"]
tee_env = ["DSTACK_ENDPOINT=/var/run/dstack.sock"]
tee_mounts = ["%[3]s:/var/run/dstack.sock"]
approved_file = "/mnt/shared/image-digest.bin"
dstack_endpoint = "/var/run/dstack.sock"
`, name, shared, socket)
}

// node: a place for image mode to work in. Sets NAME (the container's), and makes
// `imagelaunch`, which is git-launcher image with the flags for that place, and
// `imagecheck`, which is git-launcher image check with them.
func cmdNode(ts *testscript.TestScript, neg bool, args []string) {
	name := "gl-test-" + strings.ToLower(rand.Text()[:10])
	ts.Setenv("NAME", name)
	ts.Setenv("PLATFORM", "TEE")
	ts.Setenv("DOCKER_CONTENT_TRUST", "1")
	ts.Setenv("DOCKER_CONFIG", ts.MkAbs("docker"))
	if ts.Getenv("SOCK") == "" {
		ts.Setenv("SOCK", ts.MkAbs("dstack.sock"))
	}
	check(ts, os.MkdirAll(ts.MkAbs("shared"), 0o755))
	check(ts, os.MkdirAll(ts.MkAbs("bin"), 0o755))
	check(ts, os.WriteFile(ts.MkAbs("profile.toml"), []byte(profile(name, ts.MkAbs("shared"), ts.MkAbs("dstack.sock"))), 0o644))
	for program, command := range map[string]string{"imagelaunch": "image", "imagecheck": "image check"} {
		script := fmt.Sprintf("#!/bin/sh\necho $$ > %s\nexec git-launcher %s --profile %s --shared-dir %s --user-config %s --dstack-endpoint \"$SOCK\" \"$@\"\n",
			ts.MkAbs("pid"), command, ts.MkAbs("profile.toml"), ts.MkAbs("shared"), ts.MkAbs("user_config"))
		check(ts, os.WriteFile(ts.MkAbs("bin/"+program), []byte(script), 0o755))
	}
	ts.Setenv("PATH", ts.MkAbs("bin")+":"+ts.Getenv("PATH"))
	ts.Defer(func() { sweepEngine(nil, name) })
}

// aspage PAGE WORDS: the command before wrote what the page shows behind the sentence that
// begins with these words, where … stands for any text.
func cmdAsPage(ts *testscript.TestScript, neg bool, args []string) {
	page, err := os.ReadFile(filepath.Join("..", args[0]))
	check(ts, err)
	_, shown, found := strings.Cut(string(page), "\n"+args[1])
	_, shown, begins := strings.Cut(shown, "\n```text\n$ ")
	shown, _, ends := strings.Cut(shown, "```\n")
	_, shown, _ = strings.Cut(shown, "\n") // the command
	if !found || !begins || !ends {
		ts.Fatalf("%s shows no output behind %q", args[0], args[1])
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(shown), "…", "[^\n]+")
	if out := ts.ReadFile("stdout"); !regexp.MustCompile("^" + pattern + "$").MatchString(out) {
		ts.Fatalf("%s shows\n%s\nand the output is\n%s", args[0], shown, out)
	}
}

// sweepEngine removes what a test left in an Engine: containers whose names begin with
// name, their images, the volume and the network.
func sweepEngine(env []string, name string) {
	docker := func(args ...string) string {
		cmd := exec.Command("docker", args...)
		cmd.Env = append(os.Environ(), env...)
		out, _ := cmd.Output()
		return strings.TrimSpace(string(out))
	}
	for id := range strings.FieldsSeq(docker("ps", "-aq", "--filter", "name="+name)) {
		image := docker("inspect", "-f", "{{.Image}}", id)
		docker("rm", "-f", "-v", id)
		docker("rmi", "-f", image)
	}
	docker("volume", "rm", "-f", name+"-data")
	docker("network", "rm", name+"_default")
}

// registry [password=P] [uses=N]: a registry of images; sets REGISTRY and IMAGE (a name
// in it). It requires that password of user "user", and its tokens are good for N
// requests.
func cmdRegistry(ts *testscript.TestScript, neg bool, args []string) {
	st := of(ts)
	st.registry = &regtest.Server{}
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		switch key {
		case "password":
			st.registry.Password = value
		case "uses":
			n, err := strconv.Atoi(value)
			check(ts, err)
			st.registry.TokenUses = n
		default:
			ts.Fatalf("registry: %s", a)
		}
	}
	stop, err := regtest.Start(st.registry)
	check(ts, err)
	ts.Defer(stop)
	ts.Setenv("REGISTRY", st.registry.Host)
	ts.Setenv("IMAGE", st.registry.Host+"/near/node")
}

// regfault [FAULT...]: what the registry does wrong from now on.
func cmdRegFault(ts *testscript.TestScript, neg bool, args []string) {
	var faults []*regtest.Fault
	for _, a := range args {
		f, err := regtest.ParseFault(a)
		check(ts, err)
		faults = append(faults, f)
	}
	of(ts).registry.Misbehave(faults...)
}

// nodeimage VAR [index]: pushes a new image of the node stand-in as IMAGE:VAR in
// lowercase. Sets VAR to its digest, VAR_HEX to the digits, VAR_CONFIG to the
// config's digest, and with index VAR_INDEX to the digest of an index around it.
func cmdNodeImage(ts *testscript.TestScript, neg bool, args []string) {
	bin, err := nodeBinary()
	check(ts, err)
	image, err := regtest.NodeImage(bin, rand.Text())
	check(ts, err)
	r := of(ts).registry
	p := regtest.Pusher{Host: r.Host, Password: r.Password}
	set := func(suffix, value string) { ts.Setenv(args[0]+suffix, value) }
	digest, err := p.Push("near/node:"+strings.ToLower(args[0]), image)
	check(ts, err)
	config, err := image.ConfigName()
	check(ts, err)
	set("", digest)
	set("_HEX", strings.TrimPrefix(digest, "sha256:"))
	set("_CONFIG", config.String())
	ts.Defer(func() { exec.Command("docker", "rmi", "-f", config.String()).Run() })
	if len(args) == 1 {
		return
	}
	attestation, err := regtest.Attestation(image)
	check(ts, err)
	arm, err := regtest.NewImage(v1.Platform{OS: "linux", Architecture: "arm64"}, v1.Config{}, "arm")
	check(ts, err)
	index, err := p.Push("near/node:"+strings.ToLower(args[0]), regtest.NewIndex(
		regtest.Entry{Image: arm, Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}},
		regtest.Entry{Image: image, Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}, attestation))
	check(ts, err)
	set("_INDEX", index)
	set("_INDEX_HEX", strings.TrimPrefix(index, "sha256:"))
}

// approve DIGEST...: the node's list.
func cmdApprove(ts *testscript.TestScript, neg bool, args []string) {
	text := `{"approved_hashes":["` + strings.Join(args, `","`) + `"]}`
	check(ts, os.WriteFile(ts.MkAbs("shared/image-digest.bin"), []byte(text), 0o600))
}

// userconfig [KEY=VALUE...]: image (default IMAGE), override, port (HOST:CONTAINER),
// retries, behave (of the node stand-in).
func cmdUserConfig(ts *testscript.TestScript, neg bool, args []string) {
	launcher, node := []string{}, []string{`home_dir = "/data"`}
	image, retries := ts.Getenv("IMAGE"), "1"
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		switch key {
		case "image":
			image = value
		case "retries":
			retries = value
		case "override":
			launcher = append(launcher, fmt.Sprintf("mpc_hash_override = %q", value))
		case "port":
			host, container, _ := strings.Cut(value, ":")
			launcher = append(launcher, fmt.Sprintf("port_mappings = [{ host = %s, container = %s }]", host, container))
		case "behave":
			node = append(node, fmt.Sprintf("behave = %q", value))
		default:
			ts.Fatalf("userconfig: %s", a)
		}
	}
	launcher = append(launcher, fmt.Sprintf("image_reference = %q", image), "pull_max_retries = "+retries, "pull_retry_interval_secs = 1")
	text := "[launcher_config]\n" + strings.Join(launcher, "\n") + "\n\n[mpc_node_config]\n" + strings.Join(node, "\n") + "\n"
	check(ts, os.WriteFile(ts.MkAbs("user_config"), []byte(text), 0o600))
}

// inspect asks the Engine about the script's container; empty if there is none.
func inspect(ts *testscript.TestScript, format string) string {
	out, err := exec.Command("docker", "inspect", "--type", "container", "-f", format, ts.Getenv("NAME")).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// container STATE [FORMAT VALUE]...: the container's state is created, running, exited
// or absent; each FORMAT of docker inspect prints VALUE.
func cmdContainer(ts *testscript.TestScript, neg bool, args []string) {
	got, want := []string{inspect(ts, "{{.State.Status}}")}, []string{strings.TrimSuffix(args[0], "absent")}
	for i := 1; i+1 < len(args); i += 2 {
		got, want = append(got, inspect(ts, args[i])), append(want, args[i+1])
	}
	if slices.Equal(got, want) == neg {
		ts.Fatalf("the container is %q", got)
	}
}

// neverran: the container is not there, or was never started; and the launcher said
// so once.
func cmdNeverRan(ts *testscript.TestScript, neg bool, args []string) {
	if at := inspect(ts, "{{.State.StartedAt}}"); at != "" && !strings.HasPrefix(at, "0001-01-01") {
		ts.Fatalf("the container was started at %s", at)
	}
	if log := ts.ReadFile("stderr"); strings.Count(log, "FAILED to ") != 1 || strings.Count(log, "the workload was not started. What to do: ") != 1 {
		ts.Fatalf("no line that names the step, or none that says what to do:\n%s", log)
	}
}

// awaitnode [TEXT]: the container runs, and its output holds TEXT, within 15 seconds.
func cmdAwaitNode(ts *testscript.TestScript, neg bool, args []string) {
	text := "node: {"
	if len(args) > 0 {
		text = args[0]
	}
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, _ := exec.Command("docker", "logs", ts.Getenv("NAME")).CombinedOutput()
		if strings.Contains(string(out), text) && inspect(ts, "{{.State.Running}}") == "true" {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("the node does not run, or does not write %q:\n%s", text, out)
		}
	}
}

// getid VAR: the container's id.
func cmdGetID(ts *testscript.TestScript, neg bool, args []string) {
	id := inspect(ts, "{{.Id}}")
	if id == "" {
		ts.Fatalf("there is no container")
	}
	ts.Setenv(args[0], id)
}

// dockerconfig PASSWORD: the launcher's Docker config has that for the registry.
func cmdDockerConfig(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, os.MkdirAll(ts.MkAbs("docker"), 0o700))
	check(ts, regtest.DockerConfig(ts.MkAbs("docker"), ts.Getenv("REGISTRY"), args[0]))
}

// takeport VAR: listens on a free port; freeport stops listening.
func cmdTakePort(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", ":0")
	check(ts, err)
	ts.Defer(func() { l.Close() })
	of(ts).listener = l
	_, port, err := net.SplitHostPort(l.Addr().String())
	check(ts, err)
	ts.Setenv(args[0], port)
}

func cmdFreePort(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, of(ts).listener.Close())
}

// dockersocket hang|refuse|drop|STATUS: something that is no Docker Engine at
// docker.sock.
func cmdDockerSocket(ts *testscript.TestScript, neg bool, args []string) {
	sock := ts.MkAbs("docker.sock")
	os.Remove(sock)
	l, err := net.Listen("unix", sock)
	check(ts, err)
	ts.Defer(func() { l.Close() })
	if args[0] == "refuse" {
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		l.Close()
		return
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch status, err := strconv.Atoi(args[0]); {
		case err == nil:
			w.WriteHeader(status)
			fmt.Fprint(w, "{\"message\":\"nonsense \\u001b[31m\\n\"}")
		case args[0] == "drop":
			panic(http.ErrAbortHandler)
		default:
			<-r.Context().Done()
		}
	})}
	go server.Serve(l)
	ts.Defer(func() { server.Close() })
}

// stopsim: the guest agent ends, as in a reboot.
func cmdStopSim(ts *testscript.TestScript, neg bool, args []string) { of(ts).stopSim() }

// sendsignal NAME: to the last imagelaunch.
func cmdSendSignal(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, ts.Exec("sh", "-c", "kill -"+args[0]+" $(cat pid)"))
}

// awaitexit CODE: the container has stopped with that, within 15 seconds.
func cmdAwaitExit(ts *testscript.TestScript, neg bool, args []string) {
	for end := time.Now().Add(15 * time.Second); inspect(ts, "{{.State.Status}} {{.State.ExitCode}}") != "exited "+args[0]; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("the container does not stop")
		}
	}
}
