package deployment

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/author"
)

var (
	oldPin = Pinned{strings.Repeat("1a", 20), strings.Repeat("2a", 20), strings.Repeat("3a", 32), strings.Repeat("4a", 32)}
	newPin = Pinned{strings.Repeat("1b", 20), strings.Repeat("2b", 20), strings.Repeat("3b", 32), strings.Repeat("4b", 32)}
)

func conf(p Pinned) string {
	return "# our workload\nREPO_URL=https://example.org/you/workload.git\nCOMMIT_SHA=" + p.Commit + "\nWORK_DIR=/var/lib/git-launcher/here\nCONTENT_SHA256=" + p.Content + "\nENTRYPOINT_SHA256=" + p.Entrypoint + "\n"
}

// edited returns a compose file in which a person has changed and added much.
func edited(p Pinned, old string) string {
	return "# was COMMIT_SHA=" + old + " when we began   \nservices:\n  app: # ours\n    image: 'example.org/l@sha256:" + strings.Repeat("0", 64) + "'\n    environment:\n      NOTE: \"COMMIT_SHA=" + old + "\"\n      GIT_LAUNCHER_CONFIG: |\n" +
		"        " + strings.ReplaceAll(strings.TrimSuffix(conf(p), "\n"), "\n", "\n        ") + "\n\n  db: {image: postgres}   # theirs\n"
}

func policyText(p Pinned, config, compose string) string {
	return "# who we trust\nREPO_URL=https://example.org/you/workload.git\nCOMMIT_SHA=" + p.Commit + "\nTREE=" + p.Tree + "\nCONFIG_SHA256=" + sum([]byte(config)) + "\nCONTENT_SHA256=" + p.Content + "\nENTRYPOINT_SHA256=" + p.Entrypoint + "\n\nDOCKER_COMPOSE_SHA256=" + sum([]byte(compose)) + "\nALLOWED_ENVS=\n"
}

func folder(t *testing.T, config, compose, policy string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{ConfigFile: config, ComposeFile: compose, PolicyFile: policy} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPin: the pin's own values change, and no other byte.
func TestPin(t *testing.T) {
	compose := edited(oldPin, oldPin.Commit)
	dir := folder(t, conf(oldPin), compose, policyText(oldPin, conf(oldPin), compose))
	f, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := f.Unpinned(newPin.Commit)
	if err != nil || cfg.Commit.String() != newPin.Commit || !cfg.ContentSHA256.IsZero() || cfg.WorkDir != "/var/lib/git-launcher/here" {
		t.Errorf("to prove: %+v, %v", cfg, err)
	}
	next, err := f.Pin(newPin)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Write(); err != nil {
		t.Fatal(err)
	}
	want := edited(newPin, oldPin.Commit)
	for name, text := range map[string]string{ConfigFile: conf(newPin), ComposeFile: want, PolicyFile: policyText(newPin, conf(newPin), want)} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(data) != text {
			t.Errorf("%s is\n%s\nwant\n%s\n%v", name, data, text, err)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	again, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	back, err := again.Pin(oldPin)
	if err != nil || string(back.Config) != conf(oldPin) || string(back.Compose) != compose || string(back.Policy) != policyText(oldPin, conf(oldPin), compose) {
		t.Errorf("back: %v\n%s", err, back.Compose)
	}
}

// TestPinYAML: however the config is written in the compose file.
func TestPinYAML(t *testing.T) {
	short := func(p Pinned) string {
		return "REPO_URL=https://example.org/you/workload.git\nCOMMIT_SHA=" + p.Commit + "\n"
	}
	for name, compose := range map[string]string{
		"quoted":   "services:\n  app:\n    environment: {GIT_LAUNCHER_CONFIG: \"REPO_URL=https://example.org/you/workload.git\\nCOMMIT_SHA=PIN\\n\"}\n",
		"list":     "services:\n  app:\n    environment:\n      - \"GIT_LAUNCHER_CONFIG=REPO_URL=https://example.org/you/workload.git\\nCOMMIT_SHA=PIN\\n\"\n",
		"anchored": "x-a: &config |\n  REPO_URL=https://example.org/you/workload.git\n  COMMIT_SHA=PIN\nservices:\n  app:\n    environment: {GIT_LAUNCHER_CONFIG: *config}\n  two:\n    environment: {GIT_LAUNCHER_CONFIG: *config}\n",
		"twice":    "services:\n  app:\n    environment:\n      GIT_LAUNCHER_CONFIG: |\n        REPO_URL=https://example.org/you/workload.git\n        COMMIT_SHA=PIN\n  two:\n    environment:\n      GIT_LAUNCHER_CONFIG: |\n        REPO_URL=https://example.org/you/workload.git\n        COMMIT_SHA=PIN\n",
	} {
		f := &Folder{Config: []byte(short(oldPin)), Compose: []byte(strings.ReplaceAll(compose, "PIN", oldPin.Commit)), Policy: []byte("COMMIT_SHA=" + oldPin.Commit + "\n")}
		if err := f.check(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		next, err := f.Pin(newPin)
		if err != nil || string(next.Compose) != strings.ReplaceAll(compose, "PIN", newPin.Commit) || string(next.Policy) != "COMMIT_SHA="+newPin.Commit+"\n" {
			t.Errorf("%s: %v\n%s", name, err, next.Compose)
		}
	}
}

// TestPinRefused: what does not fit is said, and not changed.
func TestPinRefused(t *testing.T) {
	compose := edited(oldPin, oldPin.Commit)
	policy := policyText(oldPin, conf(oldPin), compose)
	for name, c := range map[string]struct{ config, compose, policy, want string }{
		"other config": {conf(oldPin) + "# more\n", compose, policy, "service app of docker-compose.yaml has another config than config.conf"},
		"no config":    {conf(oldPin), "services: {app: {image: x}}\n", policy, "docker-compose.yaml has no service with a literal GIT_LAUNCHER_CONFIG"},
		"bad config":   {"COMMIT_SHA=main\n", compose, policy, "config.conf"},
		"two commits":  {conf(oldPin), compose, strings.Replace(policy, "TREE=", "COMMIT_SHA="+newPin.Commit+"\nTREE=", 1), ""},
		"other commit": {conf(oldPin), compose, strings.Replace(policy, "COMMIT_SHA="+oldPin.Commit, "COMMIT_SHA="+newPin.Commit, 1), "policy.conf has no one line COMMIT_SHA=" + oldPin.Commit},
		"two trees":    {conf(oldPin), compose, policy + "TREE=" + newPin.Tree + "\n", "policy.conf has no one line TREE="},
		"bad policy":   {conf(oldPin), compose, policy + "TREE\n", "policy.conf"},
	} {
		f, err := Read(folder(t, c.config, c.compose, c.policy))
		if err == nil {
			_, err = f.Pin(newPin)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFresh(t *testing.T) {
	dir := folder(t, "a", "b", "c")
	if err := Fresh(dir, []author.Text{{File: ConfigFile, Text: "a"}, {File: "new", Text: "x"}}); err != nil {
		t.Errorf("the same bytes: %v", err)
	}
	if err := Fresh(dir, []author.Text{{File: ConfigFile, Text: "other"}}); !errors.Is(err, ErrThere) || !strings.Contains(err.Error(), "config.conf is there already") {
		t.Errorf("other bytes: %v", err)
	}
}

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a, b, c := strings.Repeat("aa", 20), strings.Repeat("bb", 20), strings.Repeat("cc", 20)
	for i, want := range [][]string{{a}, {a, b}, {a, b, c}, {a, b}} {
		if err := Remember(dir, want, now.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got, err := History(dir); err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("history is %q, want %q, %v", got, want, err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, HistoryFile))
	if want := historyHead + "2026-01-02T03:04:05Z " + a + "\n2026-01-02T04:04:05Z " + b + "\n"; err != nil || string(data) != want {
		t.Errorf("the file is\n%s\nwant\n%s", data, want)
	}
	for _, s := range []struct{ now, want string }{{b, a}, {c, a + " " + b}} {
		if got, err := Before([]string{a, b}, s.now); err != nil || strings.Join(got, " ") != s.want {
			t.Errorf("before %s: %q, %v", s.now, got, err)
		}
	}
	if _, err := Before([]string{a}, a); !errors.Is(err, ErrNoHistory) {
		t.Errorf("the first: %v", err)
	}
	for _, text := range []string{"a person's own notes\n", historyHead + "2026-01-02T03:04:05Z main\n"} {
		if err := os.WriteFile(filepath.Join(dir, HistoryFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Remember(dir, []string{a}, now); err == nil {
			t.Errorf("%q is written over", text)
		}
		if got, err := os.ReadFile(filepath.Join(dir, HistoryFile)); err != nil || string(got) != text {
			t.Errorf("%q has become %q, %v", text, got, err)
		}
	}
}
