package verify_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
)

// TestComposeHashPinsTheConfig: what of the commit ran is pinned by the compose's
// hash where the config is in it, not where an exception lets it come from elsewhere.
// SECURITY.md: E9.
func TestComposeHashPinsTheConfig(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		v, r := newVM(), gitRecord()
		r.Entrypoint = "debug.sh"
		v.launch(t, r)
		if elsewhere {
			before, rest, _ := strings.Cut(v.compose, "    environment:\n")
			v.compose = before + "    configs: [{source: c, target: /etc/git-launcher/config.conf}]\n" + rest[strings.Index(rest, "    volumes:"):] + "configs: {c: {file: ./config.conf}}\n"
			v.policy = []string{"ALLOW_COMPOSE=launcher:configs"}
		}
		v.policy = append(v.policy, "COMPOSE_HASH="+digestOf(v.measured()))
		if elsewhere {
			outcome(t, v.judge(t), 1, "E", "entry script", report.Undecided)
		} else {
			outcome(t, v.judge(t), 0, "E", "entry script", report.Pass)
		}
	}
}

// TestFurtherSettings: settings of the config that the policy has no key for need the
// config's hash in the policy, or that of a file that it is in.
// SECURITY.md: P7.
func TestFurtherSettings(t *testing.T) {
	for _, further := range []string{"ALLOW_ENV=BASH_ENV", "FETCH_DEPTH=full", "SUBMODULES=recursive", "WORK_DIR=/srv/x", "AUTH_TOKEN_FILE=/run/secrets/token"} {
		v := newVM()
		v.further = []string{further}
		v.launch(t, gitRecord())
		r := v.judge(t)
		outcome(t, r, 1, "D", "config's further settings", report.Undecided)
		for _, f := range r.Findings {
			v.policy = append(v.policy, f.Settle...)
		}
		outcome(t, v.judge(t), 0, "D", "config's further settings", report.Pass)
		for _, key := range []string{"COMPOSE_HASH=" + digestOf(v.measured()), "DOCKER_COMPOSE_SHA256=" + digestOf([]byte(v.compose))} {
			v.policy = []string{key}
			outcome(t, v.judge(t), 0, "D", "config's further settings", report.Pass)
		}
		v.policy = []string{"CONFIG_SHA256=" + strings.Repeat("0", 64)}
		outcome(t, v.judge(t), 4, "E", "config hash", report.NotAllowed)
	}
}

// TestComposeBytes: a compose that is not the measured one, or that can't be judged.
// SECURITY.md: E6.
func TestComposeBytes(t *testing.T) {
	v := newVM()
	e, p := v.evidence(t)
	for name, tc := range map[string]struct {
		bytes string
		code  int
		o     report.Outcome
	}{
		"newline added, as by jq -r": {string(e.AppCompose) + "\n", 3, report.Invalid},
		"another":                    {"{}", 3, report.Invalid},
	} {
		other := *e
		other.AppCompose = []byte(tc.bytes)
		r := verify.Judge(t.Context(), &other, p)
		outcome(t, r, tc.code, "D", "app-compose", tc.o)
		if strings.HasPrefix(name, "newline") && !strings.Contains(fmt.Sprint(r.Findings), "jq -j") {
			t.Error("the newline is not named")
		}
	}
	e.AppCompose = nil
	outcome(t, verify.Judge(t.Context(), e, p), 1, "D", "app-compose", report.Undecided)
	for name, doc := range map[string]string{
		"not JSON":          `{`,
		"a key twice":       `{"runner":"docker-compose","runner":"x","docker_compose_file":"services: {launcher: {image: x}}"}`,
		"a key shadowed":    `{"runner":"docker-compose","docker_compose_file":"services: {launcher: {image: x}}","Docker_Compose_File":"x"}`,
		"YAML key twice":    `{"runner":"docker-compose","docker_compose_file":"services: {launcher: {image: x, image: y}}"}`,
		"YAML key in caps":  `{"runner":"docker-compose","docker_compose_file":"services: {launcher: {image: x, Privileged: true}}"}`,
		"no services":       `{"runner":"docker-compose","docker_compose_file":"volumes: {}"}`,
		"no YAML":           `{"runner":"docker-compose","docker_compose_file":"]["}`,
		"an alias too many": `{"runner":"docker-compose","docker_compose_file":"services: {launcher: *x}"}`,
	} {
		v := newVM()
		v.appCompose = []byte(doc)
		if r := v.judge(t); r.ExitCode != 4 {
			t.Errorf("%s: exit code %d", name, r.ExitCode)
		}
	}
}

// TestLargestCompose: the largest compose that is judged fits into evidence, quoted
// as it is in a receipt.
func TestLargestCompose(t *testing.T) {
	v := newVM()
	v.app["salt"] = strings.Repeat(`"`, (compose.MaxSize-4096)/2)
	data, _, _ := v.receipt(t)
	if len(v.appCompose) < compose.MaxSize-8192 || len(v.appCompose) > compose.MaxSize || len(data) > evidence.MaxSize*9/10 {
		t.Errorf("an app-compose of %d bytes makes a receipt of %d", len(v.appCompose), len(data))
	}
	if _, err := evidence.Parse(data); err != nil {
		t.Error(err)
	}
}

// TestExpectedOfTheApp: what a policy may expect of the app-compose and of the
// launcher's service, and the findings that follow.
// SECURITY.md: P2.
func TestExpectedOfTheApp(t *testing.T) {
	const literal = "    environment:\n      LANG: C.UTF-8\n"
	fileHash := func(v *vm) string { return "DOCKER_COMPOSE_SHA256=" + digestOf([]byte(v.compose)) }
	for name, tc := range map[string]struct {
		env    bool
		policy func(v *vm) []string
		code   int
		find   string
		o      report.Outcome
	}{
		"nothing of a variable":           {true, func(*vm) []string { return nil }, 1, "nothing else has the keys", report.Undecided},
		"the variable":                    {true, func(*vm) []string { return []string{"ENVIRONMENT=LANG=C.UTF-8"} }, 0, "nothing else has the keys", report.Pass},
		"the variable with another value": {true, func(*vm) []string { return []string{"ENVIRONMENT=LANG=C"} }, 4, "launcher's environment", report.NotAllowed},
		"a variable that is not there":    {false, func(*vm) []string { return []string{"ENVIRONMENT=LANG=C.UTF-8"} }, 4, "launcher's environment", report.NotAllowed},
		"the compose file":                {true, func(v *vm) []string { return []string{fileHash(v)} }, 0, "compose file", report.Pass},
		"another compose file":            {true, func(*vm) []string { return []string{"DOCKER_COMPOSE_SHA256=" + strings.Repeat("00", 32)} }, 4, "compose file", report.NotAllowed},
		"a field": {false, func(*vm) []string {
			return []string{"APP_COMPOSE=runner=docker-compose", "APP_COMPOSE=manifest_version=2"}
		}, 0, "app-compose's runner", report.Pass},
		"a field with another value": {false, func(*vm) []string { return []string{"APP_COMPOSE=manifest_version=3"} }, 4, "app-compose's manifest_version", report.NotAllowed},
		"a field that is not there":  {false, func(*vm) []string { return []string{"APP_COMPOSE=public_logs=true"} }, 4, "app-compose's public_logs", report.NotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			if tc.env {
				v.compose = strings.Replace(v.compose, "    environment:\n", literal, 1)
			}
			v.policy = tc.policy(v)
			outcome(t, v.judge(t), tc.code, "D", tc.find, tc.o)
		})
	}
}

// TestInitScripts: the scripts are those that dstack measured one by one.
func TestInitScripts(t *testing.T) {
	event := func(script string) measure.Event {
		sum := sha256.Sum256([]byte(script))
		return measure.Event{Name: "init-script-hash", Payload: sum[:]}
	}
	for name, tc := range map[string]struct {
		scripts any
		events  []measure.Event
		code    int
		o       report.Outcome
	}{
		"as measured":              {[]string{"a", "b"}, []measure.Event{event("a"), event("b")}, 4, report.Pass}, // a script is a problem of its own
		"one, as measured":         {"a", []measure.Event{event("a")}, 4, report.Pass},
		"in another order":         {[]string{"b", "a"}, []measure.Event{event("a"), event("b")}, 3, report.Invalid},
		"fewer than were measured": {"a", []measure.Event{event("a"), event("b")}, 3, report.Invalid},
		"none, and one was":        {nil, []measure.Event{event("a")}, 3, report.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			if tc.scripts != nil {
				v.app["init_script"] = tc.scripts
			}
			boot := bootEvents(v.measured())
			v.boot = append(append(slices.Clone(boot[:3]), tc.events...), boot[3:]...)
			outcome(t, v.judge(t), tc.code, "D", "init scripts", tc.o)
		})
	}
}
