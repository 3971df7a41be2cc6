package verify_test

import (
	"fmt"
	"strings"
	"testing"

	"gitlauncher/verify"
	"gitlauncher/verify/compose"
)

// TestComposeHashPinsTheConfig: what of the commit ran is pinned by the compose's
// hash where the config is in it, not where an exception lets it come from elsewhere.
// SECURITY.md: E9.
func TestComposeHashPinsTheConfig(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		v, r := newVM(), gitRecord()
		r.Entrypoint = "debug.sh"
		if elsewhere {
			before, rest, _ := strings.Cut(v.compose, "    environment:\n")
			v.compose = before + "    configs: [{source: c, target: /etc/git-launcher/config.conf}]\n" + rest[strings.Index(rest, "    volumes:"):] + "configs: {c: {file: ./config.conf}}\n"
			v.policy = []string{"ALLOW_COMPOSE=launcher:configs"}
		}
		v.after, v.record = launchEvents(t, r), marshal(t, r)
		v.policy = append(v.policy, "COMPOSE_HASH="+digestOf(v.measured()))
		if elsewhere {
			outcome(t, v.judge(t), 1, "E", "entry script", verify.Undecided)
		} else {
			outcome(t, v.judge(t), 0, "E", "entry script", verify.Pass)
		}
	}
}

// TestCompose: a compose that is not the measured one, or that can't be judged.
// SECURITY.md: E6.
func TestComposeBytes(t *testing.T) {
	v := newVM()
	e, p := v.evidence(t)
	for name, tc := range map[string]struct {
		bytes string
		code  int
		o     verify.Outcome
	}{
		"newline added, as by jq -r": {string(e.AppCompose) + "\n", 3, verify.Invalid},
		"another":                    {"{}", 3, verify.Invalid},
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
	outcome(t, verify.Judge(t.Context(), e, p), 1, "D", "app-compose", verify.Undecided)
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
	if len(v.appCompose) < compose.MaxSize-8192 || len(v.appCompose) > compose.MaxSize || len(data) > verify.MaxEvidence/2 {
		t.Errorf("an app-compose of %d bytes makes a receipt of %d", len(v.appCompose), len(data))
	}
	if _, err := verify.ParseEvidence(data); err != nil {
		t.Error(err)
	}
}
