package rights_test

import (
	"strings"
	"testing"

	"gitlauncher/verify/compose/model"
	"gitlauncher/verify/compose/rights"
)

// TestJudge: what leads out of a container is reported with its reason, and what any
// container has is not.
// SECURITY.md: E5.
func TestJudge(t *testing.T) {
	for name, want := range map[string]string{
		"privileged: true":                  "root in the VM",
		"privileged: 'yes'":                 "root in the VM",
		"privileged: false":                 "",
		"userns_mode: host":                 "leaves the container",
		"ipc: 'container:x'":                "leaves the container",
		"ipc: private":                      "",
		"uts: host":                         "leaves the container",
		"network_mode: host":                "for the system alone",
		"network_mode: none":                "",
		"network_mode: bridge":              "",
		"network_mode: 'service:launcher'":  "of the launcher",
		"network_mode: 'service:db'":        "",
		"network_mode: abc":                 "beginning of an id",
		"cap_add: [SYS_ADMIN]":              "leave its bounds",
		"cap_add: [CAP_CHOWN, net_raw]":     "",
		"security_opt: ['seccomp=x']":       "confinement",
		"security_opt: [no-new-privileges]": "",
		"runtime: nvidia":                   "confines otherwise",
		"runtime: runc":                     "",
		"deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}": "host devices",
		"deploy: {resources: {}}":            "",
		"logging: {driver: mine}":            "runs as root in the VM",
		"logging: {driver: local}":           "",
		"logging: {options: {a: 'UNIX:/x'}}": "write there as root",
		"networks: [mine]":                   "",
		"networks: [net]":                    "for the system alone",
		"networks: [driven]":                 "run by a plugin",
		"networks: [filled]":                 "for the system alone",
		"networks: [outside]":                "beginning of an id",
	} {
		m := load(t, name)
		var said []string
		rights.Judge(m, m.Services["other"], "launcher", func(_, why string) { said = append(said, why) })
		if got := strings.Join(said, "; "); (want == "") != (got == "") || !strings.Contains(got, want) || len(said) > 1 {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// load reads a compose file in which the service "other" has the line.
func load(t *testing.T, line string) *model.Model {
	t.Helper()
	m, err := model.Load(t.Context(), []byte(`
services:
  launcher: {image: x}
  db: {image: x}
  other:
    image: x
    `+line+`
networks:
  mine: {}
  net: {name: host}
  driven: {driver: macvlan}
  filled: {name: "${X}"}
  outside: {external: true, name: abc}
`))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return m
}

// TestBeyondLimits: of deploy, limits and reservations pass.
func TestBeyondLimits(t *testing.T) {
	for text, want := range map[string]string{
		"null": "", "{}": "", "{resources: {limits: {cpus: '1', memory: 1g, pids: 5}, reservations: {memory: 1g}}}": "",
		"{mode: global}": "deploy.mode", "{resources: {reservations: {devices: [{capabilities: [gpu]}]}}}": "deploy.resources.reservations.devices",
	} {
		if got := rights.BeyondLimits(load(t, "deploy: "+text).Services["other"]["deploy"]); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for want, deploy := range map[string]any{"a deploy key of another form": "x", "deploy.resources.more": map[string]any{"resources": map[string]any{"more": nil}}} {
		if got := rights.BeyondLimits(deploy); got != want {
			t.Errorf("%v: %q, want %q", deploy, got, want)
		}
	}
}
