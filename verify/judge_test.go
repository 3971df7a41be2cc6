package verify_test

import (
	"encoding/json"
	"strings"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify/report"
)

// outcome asserts the exit code, and that the named finding has the outcome.
func outcome(t *testing.T, r *report.Report, code int, check, name string, o report.Outcome) {
	t.Helper()
	found := name == ""
	for _, f := range r.Findings {
		found = found || f.Check == check && f.Name == name && f.Outcome == o
		if f.Outcome != report.Pass && f.Outcome != report.Note && f.Why == "" {
			t.Errorf("%s %s is %s without a reason", f.Check, f.Name, f.Outcome)
		}
	}
	if r.ExitCode != code || !found {
		t.Errorf("exit code %d, want %d; want %s %q to be %s", r.ExitCode, code, check, name, o)
		for _, f := range r.Findings {
			t.Logf("%s %-12s %-26s %.150s | %.100s", f.Check, f.Outcome, f.Name, f.Why, f.Found)
		}
	}
}

func TestGood(t *testing.T) {
	for name, change := range map[string]func(v *vm){
		"version 4":         func(*vm) {},
		"version 5":         func(v *vm) { v.report.Version = 5 },
		"module 1.0":        func(v *vm) { v.levels, v.report.TEETCBSVN = [16]byte{3, 0}, [16]byte{3, 0} },
		"nonce":             func(v *vm) { v.nonce, v.policy = []byte{1, 2}, []string{"NONCE=0102"} },
		"MRCONFIGID":        func(v *vm) { v.configID(1) },
		"MRCONFIGID v2":     func(v *vm) { v.configID(2) },
		"everything":        func(v *vm) { v.policy = everything() },
		"other commit, too": func(v *vm) { v.policy = []string{"COMMIT_SHA=" + strings.Repeat("9", 40)} },
		"more events": func(v *vm) {
			v.boot = insert(bootEvents(v.measured()), 4, measure.Event{Name: "os-image-hash", Payload: make([]byte, 32)}, measure.Event{Name: "new-thing"})
		},
		"application's events": func(v *vm) { v.after = append(launchEvents(t, gitRecord()), measure.Event{Name: "mine"}) },
		"two launches": func(v *vm) {
			other := gitRecord()
			other.Commit = strings.Repeat("9", 40)
			v.derived()
			v.policy = []string{"COMMIT_SHA=" + other.Commit}
			v.after = append(launchEvents(t, gitRecord()), launchEvents(t, other)...)
		},
		"log version 2": func(v *vm) { v.version2(t) },
		"log version 2, no preimages": func(v *vm) {
			v.version2(t)
			inner := v.log
			v.log = func(log measure.Log) measure.Log {
				log = inner(log)
				for i := range log {
					log[i].Preimage = ""
				}
				return log
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			change(v)
			want(t, v.judge(t), 0, map[string]report.Outcome{"A": report.Pass, "B": report.Pass, "C": report.Pass, "D": report.Pass, "E": report.Pass, "F": report.Note})
		})
	}
	r := newVM().judge(t)
	if r.Verdict != report.VerifiedElsewhere || r.Intel || len(r.Launches) != 1 || r.Launches[0].Commit != commit {
		t.Errorf("report is %+v", r)
	}
}

// everything returns every line of a policy that git mode's records can meet.
func everything() []string {
	r := gitRecord()
	return []string{
		"REPO_URL=" + r.RepoURL, "REPO_SUBDIR=", "ENTRYPOINT_SCRIPT=entrypoint.sh", "CONFIG_SHA256=" + r.ConfigSHA256, "TREE=" + r.Tree,
		"CONTENT_SHA256=" + r.ContentSHA256, "ENTRYPOINT_SHA256=" + r.EntrypointSHA256, "ALLOWED_ENVS=",
	}
}

func insert(events []measure.Event, at int, more ...measure.Event) []measure.Event {
	return append(append(events[:at:at], more...), events[at:]...)
}

// measured fixes the app-compose and returns its bytes.
func (v *vm) measured() []byte {
	v.app["docker_compose_file"] = v.compose
	v.appCompose, _ = json.Marshal(v.app)
	return v.appCompose
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
