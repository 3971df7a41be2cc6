// Command image measures the time from start to running container: `docker pull` and
// `docker run -d` against `git-launcher image --detach`, of the same image, in turn, in
// the same run, on this machine's Docker Engine. It prints a Markdown table of medians.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"

	"gitlauncher/internal/regtest"
)

func main() {
	launcher := flag.String("launcher", "bin/git-launcher", "the program to measure")
	runs := flag.Int("runs", 7, "runs of each")
	flag.Parse()
	if err := run(*launcher, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(launcher string, runs int) error {
	launcher, err := filepath.Abs(launcher)
	if err != nil {
		return err
	}
	fmt.Println("| image | case | docker pull, docker run | git-launcher image | ratio |")
	fmt.Println("|---|---|---|---|---|")
	for _, megabytes := range []int{8, 200} {
		if err := measure(launcher, megabytes, runs); err != nil {
			return err
		}
	}
	return nil
}

// bench is one image to launch.
type bench struct{ launcher, dir, name, reference string }

func measure(launcher string, megabytes, runs int) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server := &regtest.Server{}
	stop, err := regtest.Start(server)
	if err != nil {
		return err
	}
	defer stop()
	b := &bench{launcher: launcher, dir: dir, name: fmt.Sprintf("gl-bench-%d", os.Getpid())}
	digest, err := b.push(server.Host, megabytes)
	if err != nil {
		return err
	}
	b.reference = server.Host + "/bench/node@" + digest
	if err := b.configure(server.Host+"/bench/node", digest); err != nil {
		return err
	}
	defer func() {
		b.remove(true)
		exec.Command("docker", "network", "rm", b.name+"_default").Run() // it stays between runs, as on a node
	}()
	for _, c := range []struct {
		name  string
		cold  bool
		their string
	}{
		{"pull and start", true, `docker pull -q "$1" && docker run -d --name "$2" --security-opt no-new-privileges "$1" /app/mpc-node`},
		{"start, image present", false, `docker run -d --name "$2" --security-opt no-new-privileges "$1" /app/mpc-node`},
	} {
		var theirs, ours []time.Duration
		for i := range runs + 1 { // the first warms up
			t, err := b.timed(c.cold, "sh", "-ec", c.their, "sh", b.reference, b.name)
			if err != nil {
				return err
			}
			o, err := b.timed(c.cold, b.launcher, "image", "--platform", "nontee", "--detach", "--log-level", "error", "--shared-dir", filepath.Join(dir, "shared"),
				"--user-config", filepath.Join(dir, "user_config"), "--profile", filepath.Join(dir, "profile.toml"))
			if err != nil {
				return err
			}
			if i > 0 {
				theirs, ours = append(theirs, t), append(ours, o)
			}
		}
		t, o := median(theirs), median(ours)
		fmt.Printf("| %d MB | %s | %.3f s | %.3f s | %.2f |\n", megabytes, c.name, t.Seconds(), o.Seconds(), o.Seconds()/t.Seconds())
	}
	return nil
}

// push pushes an image of the node stand-in and as much data as is needed, which does
// not compress.
func (b *bench) push(host string, megabytes int) (digest string, err error) {
	bin, err := regtest.BuildStatic(b.dir, "gitlauncher/internal/regtest/node")
	if err != nil {
		return "", err
	}
	program, err := os.ReadFile(bin)
	if err != nil {
		return "", err
	}
	filler := make([]byte, max(0, megabytes<<20-len(program)))
	rand.New(rand.NewSource(1)).Read(filler)
	image, err := regtest.NewImage(v1.Platform{OS: "linux", Architecture: "amd64"}, v1.Config{}, b.name,
		regtest.File{Path: "app", Dir: true}, regtest.File{Path: "app/mpc-node", Data: program}, regtest.File{Path: "filler", Data: filler})
	if err != nil {
		return "", err
	}
	return regtest.Pusher{Host: host}.Push("bench/node:x", image)
}

func (b *bench) configure(image, digest string) error {
	profile := fmt.Sprintf("name = %[1]q\nproject = %[1]q\nservice = \"node\"\nnetwork = \"%[1]s_default\"\ncommand = [\"/app/mpc-node\"]\nmounts = [\"%[2]s/shared:/mnt/shared\"]\n"+
		"security_opt = [\"no-new-privileges:true\"]\napproved_file = \"/mnt/shared/image-digest.bin\"\ndstack_endpoint = \"/var/run/dstack.sock\"\n", b.name, b.dir)
	return errors.Join(os.Mkdir(filepath.Join(b.dir, "shared"), 0o755),
		os.WriteFile(filepath.Join(b.dir, "shared", "image-digest.bin"), fmt.Appendf(nil, `{"approved_hashes":[%q]}`, digest), 0o600),
		os.WriteFile(filepath.Join(b.dir, "user_config"), fmt.Appendf(nil, "[launcher_config]\nimage_reference = %q\n[mpc_node_config]\n", image), 0o600),
		os.WriteFile(filepath.Join(b.dir, "profile.toml"), []byte(profile), 0o600))
}

// timed runs one launch, after it has removed what the last one left.
func (b *bench) timed(cold bool, name string, args ...string) (time.Duration, error) {
	b.remove(cold)
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DOCKER_CONTENT_TRUST=1")
	if name == "sh" {
		cmd.Env = append(os.Environ(), "DOCKER_CONTENT_TRUST=0")
	}
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return took, err
}

func (b *bench) remove(image bool) {
	exec.Command("docker", "rm", "-f", b.name).Run()
	if image {
		exec.Command("docker", "rmi", "-f", b.reference).Run()
		os.RemoveAll(filepath.Join(b.dir, "shared", ".git-launcher"))
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
