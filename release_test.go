package gitlauncher

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWorkflows: actions are pinned by commit with the version beside, and a workflow
// has only permissions that it names. (actionlint, in `make lint`, reads the rest.)
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d workflows, %v", len(files), err)
	}
	pinned := regexp.MustCompile(`^(\./\.github/workflows/\w+\.yml|[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?m)^permissions:`).Match(data) {
			t.Errorf("%s takes the default permissions", file)
		}
		for _, m := range regexp.MustCompile(`(?m)\buses: (.*)$`).FindAllStringSubmatch(string(data), -1) {
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s uses %s, which is not a commit with its version", file, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`secrets\.(\w+)`).FindAllStringSubmatch(string(data), -1) {
			if m[1] != "GITHUB_TOKEN" && m[1] != "REGISTRY_PASSWORD" {
				t.Errorf("%s reads the secret %s", file, m[1])
			}
		}
	}
}

// TestReleaseNotes: the notes have what is new, each image by digest, and the lines
// that people, and release.yml's last job, look for. Without an entry in the changelog
// there are no notes.
func TestReleaseNotes(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, ".github/release-notes")
	source, err := os.ReadFile(".github/release-notes")
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, text string, mode os.FileMode) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	put(script, string(source), 0o755)
	put(filepath.Join(dir, "CHANGELOG.md"), "# Changelog\n\n## Unreleased\n- next\n\n## 1.2.3 (2026-01-02)\n- measured: nothing new\n\n## 1.2.2\n- old\n", 0o644)
	digest := "sha256:" + strings.Repeat("ab", 32)
	for _, name := range []string{"git-launcher", "git-launcher-image", "git-launcher-verify", "dstack-sim"} {
		for _, arch := range []string{"amd64", "arm64"} {
			put(filepath.Join(dir, "pushed", name+"-"+arch), "registry.example/o/"+name+"@"+digest+"\n", 0o644)
		}
	}
	notes, err := exec.Command(script, "v1.2.3", "o/r", filepath.Join(dir, "pushed")).Output()
	if err != nil {
		t.Fatal(err)
	}
	text := string(notes)
	for _, want := range []string{
		"- measured: nothing new\n",
		"| git-launcher-image | arm64 | `registry.example/o/git-launcher-image@" + digest + "` |\n",
		"| git-launcher-verify | amd64 | `registry.example/o/git-launcher-verify@" + digest + "` |\n",
		"\nLAUNCHER_IMAGE_DIGEST=" + digest + "\n",
		"make image-verify OF=registry.example/o/git-launcher@" + digest + " VERSION=v1.2.3 SOURCE_URL=https://github.com/o/r\n",
		"gh attestation verify oci://registry.example/o/git-launcher@" + digest + " --repo o/r",
		"tar -xf git-launcher-v1.2.3-linux-amd64.tar.gz\n",
		"https://github.com/o/r/blob/v1.2.3/doc/deploy.md",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the notes lack %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "- old") || strings.Contains(text, "- next") {
		t.Errorf("the notes tell of other versions:\n%s", text)
	}
	if out, err := exec.Command(script, "v9.9.9", "o/r", filepath.Join(dir, "pushed")).CombinedOutput(); err == nil || !strings.Contains(string(out), "no entry") {
		t.Errorf("notes without news: %v\n%s", err, out)
	}
}

// TestReleaseVersion: every program of a release says its version, which the linker
// sets where the Makefile and internal/compile tell it to. The linker is silent about a
// variable that does not exist.
func TestReleaseVersion(t *testing.T) {
	set := ""
	for _, file := range []string{"Makefile", "internal/compile/compile.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`-X (\S+?)=`).FindAllStringSubmatch(string(source), -1)
		if len(m) != 1 || set != "" && m[0][1] != set {
			t.Fatalf("%s sets %q, and the other %q", file, m, set)
		}
		set = m[0][1]
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-ldflags=-X "+set+"=v1.2.3", "-o", dir, "./cmd/...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	programs, err := os.ReadDir(dir)
	if err != nil || len(programs) < 3 {
		t.Fatalf("%d programs, %v", len(programs), err)
	}
	for _, p := range programs {
		if out, err := exec.Command(filepath.Join(dir, p.Name()), "version").CombinedOutput(); err != nil || string(out) != p.Name()+" v1.2.3\n" {
			t.Errorf("%s says %q, %v", p.Name(), out, err)
		}
	}
}

// TestModule: the publisher chooses the home of the module, so `make module` sets the
// module's path everywhere, and all rules hold under the new path.
func TestModule(t *testing.T) {
	dir := t.TempDir()
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".git" || path == "bin": // in a worktree .git is a file that leads back here
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, path), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	const path = "example.org/you/git-launcher"
	for _, command := range [][]string{
		{"make", "module", "MODULE=" + path},
		{"go", "build", "-trimpath", "./..."},
		{"go", "test", "-trimpath", "-run", "TestImports|TestReaches", "."},
		{"git", "-c", "init.defaultBranch=main", "init", "--quiet"}, // so that the copy is a repository
		{"git", "add", "."},
		{"git", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "--message", "x"},
		{"make", "build"},
	} {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as `make build` sets it, so that its cache serves
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	out, err := exec.Command("grep", "-rnE", `(^|["= ])gitlauncher/`, "--include=*.go", "--include=Makefile", "--include=go.mod", dir).Output()
	if len(out) > 0 || err == nil {
		t.Errorf("the old path is still there: %v\n%s", err, out)
	}
	builtFromClone(t, dir)
}

// builtFromClone: a program that `make build` makes in a clone says the clone's commit,
// and so does the record of a launch.
func builtFromClone(t *testing.T, dir string) {
	t.Helper()
	output := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, args, err, stderr.String())
		}
		return string(out)
	}
	commit := strings.TrimSpace(output("git", "rev-parse", "HEAD"))
	launcher := filepath.Join(dir, "bin", "git-launcher")
	if got := output(launcher, "version"); got != "git-launcher "+commit+"\n" {
		t.Errorf("a build of commit %s says it is %q", commit, got)
	}
	config := filepath.Join(t.TempDir(), "config.conf")
	text := "REPO_URL=" + dir + "\nCOMMIT_SHA=" + commit + "\nENTRYPOINT_SCRIPT=demo/demo.sh\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if record := output(launcher, "check", config); !strings.Contains(record, `"launcher":"`+commit+`"`) {
		t.Errorf("the record of a launch does not say commit %s: %s", commit, record)
	}
	if err := os.WriteFile(filepath.Join(dir, "VERIFY.md"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(output("make", "-s", "--eval=version: ; @echo '$(VERSION)'", "version")); got != commit+"-dirty" {
		t.Errorf("a build of changed files says it is %q", got)
	}
}
