package lint

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	at := filepath.Join(dir, name)
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return at
}

func lint(t *testing.T, file, policy string) (*Report, string) {
	t.Helper()
	r, err := File(t.Context(), file, policy)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return r, b.String()
}

func example(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../image/compose/git-mode.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestAccept: each line that the report prints accepts its finding.
func TestAccept(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "compose.yml", strings.Replace(example(t), "volumes:\n  workload:", "  web:\n    image: nginx\n    environment: {KEY: '${KEY}'}\n    privileged: true\nvolumes:\n  workload:", 1))
	write(t, dir, "policy.conf", "LAUNCHER_IMAGE_DIGEST=sha256:"+zeros+"\nALLOWED_ENVS=\n")
	if found, err := Find(dir); err != nil || found != file {
		t.Errorf("found %q, %v", found, err)
	}
	r, out := lint(t, file, "")
	if refused, _ := r.Refused(); refused == 0 || !strings.Contains(out, "REFUSED    service web:") || !strings.Contains(out, "check D will not pass under "+r.Policy) {
		t.Errorf("%s", out)
	}
	lines := regexp.MustCompile(`(?m)ALLOW_COMPOSE=\S+`).FindAllString(out, -1)
	if len(lines) == 0 {
		t.Fatalf("no line accepts anything:\n%s", out)
	}
	all := write(t, dir, "all.conf", "LAUNCHER_IMAGE_DIGEST=sha256:"+zeros+"\nALLOWED_ENVS=KEY\n"+strings.Join(lines, "\n")+"\n")
	if r, out := lint(t, file, all); len(r.Findings) != 0 || !strings.Contains(out, "check D will pass under "+all) {
		t.Errorf("accepted by %q:\n%s", lines, out)
	}
}

// TestGood: what pin writes has no finding, and an edit is noticed by its hash.
func TestGood(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "docker-compose.yaml", example(t))
	policy := write(t, dir, "policy.conf", "LAUNCHER_IMAGE_DIGEST=sha256:"+zeros+"\nDOCKER_COMPOSE_SHA256="+zeros+"\nALLOWED_ENVS=\n")
	r, out := lint(t, file, "")
	if refused, open := r.Refused(); refused != 0 || open != 1 || !strings.Contains(out, "UNDECIDED  compose file: is another than the policy expects") {
		t.Errorf("%s", out)
	}
	settle := regexp.MustCompile(`DOCKER_COMPOSE_SHA256=[0-9a-f]{64}`).FindString(out)
	write(t, dir, "policy.conf", "LAUNCHER_IMAGE_DIGEST=sha256:"+zeros+"\n"+settle+"\nALLOWED_ENVS=\n")
	if r, out := lint(t, file, policy); len(r.Findings) != 0 {
		t.Errorf("%s", out)
	}
}

// TestFindings: an empty folder, a file without a launcher, and a launcher whose
// container can be written, which nothing accepts as a pin.
func TestFindings(t *testing.T) {
	dir := t.TempDir()
	if _, err := Find(dir); !errors.Is(err, ErrNoFile) {
		t.Errorf("an empty folder: %v", err)
	}
	file := write(t, dir, "docker-compose.yaml", "services: {web: {image: nginx}}\n")
	if _, out := lint(t, file, ""); !strings.Contains(out, "has no service of the launcher") {
		t.Errorf("%s", out)
	}
	file = write(t, dir, "docker-compose.yaml", strings.Replace(example(t), "    read_only: true\n", "", 1))
	if _, out := lint(t, file, ""); !strings.Contains(out, "on dstack 0.6 this deployment can't be verified: ") || !strings.Contains(out, "REFUSED") {
		t.Errorf("%s", out)
	}
	app, err := AppCompose([]byte(example(t)), "x")
	if err != nil {
		t.Fatal(err)
	}
	file = write(t, dir, "app-compose.json", strings.TrimSuffix(string(app), "}")+`,"bash_script":"true"}`)
	if r, out := lint(t, file, ""); r.Assumed || !strings.Contains(out, "app-compose: has a bash_script") {
		t.Errorf("%s", out)
	}
}
