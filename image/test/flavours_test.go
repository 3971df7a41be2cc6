//go:build image

package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// flavoured are workloads as people write them. Each serves something and requests it, with
// nothing but what its image has.
var flavoured = []struct {
	image, says string
	files       map[string]string
}{
	{"git-launcher", "sh answers", map[string]string{"entrypoint.sh": "exec bash serve.sh\n", "serve.sh": `echo hello >/tmp/x; echo "workload: sh answers $(curl -s file:///tmp/x)"` + "\n"}},
	{"git-launcher-python", "python answers hello", map[string]string{"entrypoint.sh": "exec python3 app.py\n", "app.py": `import http.server, threading, urllib.request, venv, sqlite3, ssl
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"hello")
    def log_message(self, *a): pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
threading.Thread(target=s.serve_forever, daemon=True).start()
print("workload: python answers", urllib.request.urlopen("http://127.0.0.1:%d/" % s.server_port).read().decode(), flush=True)
`}},
	{"git-launcher-node", "node answers hello", map[string]string{"entrypoint.sh": "exec node app.js\n", "app.js": `const http = require("http");
const s = http.createServer((q, r) => r.end("hello")).listen(0, "127.0.0.1", () => {
  http.get({port: s.address().port, host: "127.0.0.1"}, r => r.on("data", d => { console.log("workload: node answers " + d); s.close(); process.exit(0); }));
});
`}},
	{"git-launcher-go", "go answers hello", map[string]string{"entrypoint.sh": "go build -o /tmp/service . && exec /tmp/service\n", "go.mod": "module example.org/service\n\ngo 1.23\n", "main.go": `package main

import (
	"fmt"
	"io"
	"net"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		c, _ := l.Accept()
		io.WriteString(c, "hello")
		c.Close()
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	said, _ := io.ReadAll(c)
	fmt.Println("workload: go answers", string(said))
}
`}},
}

// TestFlavours: an author's one command ends VERIFIED with each image, by its digest, and
// on both lines of dstack. It leaves nothing behind.
func TestFlavours(t *testing.T) {
	reg := registry(t)
	agent := pulled(t, reg, "dstack-sim")
	bin, err := filepath.Abs(filepath.Join(top, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH")) // for docker-compose
	for _, f := range flavoured {
		image := pulled(t, reg, f.image)
		dir := t.TempDir()
		for name, text := range f.files {
			write(t, filepath.Join(dir, name), text)
		}
		must(t, "git", "-C", dir, "init", "--quiet")
		for _, line := range []string{"0.5", "0.6"} {
			began := time.Now()
			out := must(t, filepath.Join(bin, "git-launcher-dev"), "dev", "--docker", "--image", image, "--sim-image", agent, "--dstack", line, dir)
			has(t, out, "workload: "+f.says, "launching UNCOMMITTED CHANGES", image[strings.Index(image, "@")+1:][:20],
				"the workload ended with exit code 0", "VERIFIED UNDER A ROOT THAT IS NOT INTEL'S")
			t.Logf("%s on dstack %s: from the command to the verdict %.1f s", f.image, line, time.Since(began).Seconds())
		}
	}
	if left := docker(t, "ps", "--all", "--quiet", "--filter", "name=gl-dev-") + docker(t, "volume", "ls", "--quiet", "--filter", "name=gl-dev-"); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

// TestMissingProgram: most first launches fail because a program is missing. The author
// sees that before there is a deployment.
func TestMissingProgram(t *testing.T) {
	reg := registry(t)
	image, agent := pulled(t, reg, "git-launcher"), pulled(t, reg, "dstack-sim")
	bin, err := filepath.Abs(filepath.Join(top, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	dir := t.TempDir()
	write(t, filepath.Join(dir, "entrypoint.sh"), "exec python3 app.py\n")
	must(t, "git", "-C", dir, "init", "--quiet")
	out, err := run(t, filepath.Join(bin, "git-launcher-dev"), "dev", "--docker", "--image", image, "--sim-image", agent, dir)
	if err == nil || err.Error() != "exit status 127" {
		t.Errorf("%v", err)
	}
	has(t, out, "python3: not found", "the workload ended with exit code 127")
}
