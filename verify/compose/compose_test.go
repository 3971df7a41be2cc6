package compose_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gitlauncher/verify/compose"
)

const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// file returns a good compose file, with lines added to the launcher's service and
// blocks added after it.
func file(service string, rest ...string) string {
	s := "services:\n  launcher:\n    image: example.org/git-launcher@" + digest + "\n"
	if !strings.Contains(service, "read_only:") {
		s += "    read_only: true\n"
	}
	for line := range strings.SplitSeq(service, "\n") {
		if line != "" {
			s += "    " + line + "\n"
		}
	}
	return s + strings.Join(rest, "\n") + "\n"
}

func judge(t testing.TB, composeFile string, app map[string]any, expect compose.Expect) *compose.Result {
	t.Helper()
	doc := map[string]any{"manifest_version": 2, "runner": "docker-compose", "docker_compose_file": composeFile, "allowed_envs": []string{}}
	for k, v := range app {
		doc[k] = v
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if expect.LauncherDigests == nil {
		expect.LauncherDigests = []string{digest}
	}
	r, err := compose.Judge(t.Context(), data, expect)
	if err != nil {
		t.Fatalf("%v\n%s", err, composeFile)
	}
	return r
}

func denied(r *compose.Result) (names []string) {
	for _, p := range r.Problems {
		if !p.Accepted {
			names = append(names, p.Name)
		}
	}
	return names
}

// of returns the problems of a name, and those among them that are neither accepted
// nor open.
func of(r *compose.Result, name string) (all, refused []compose.Problem) {
	for _, p := range r.Problems {
		if p.Name == name {
			if all = append(all, p); !p.Accepted && !p.Open {
				refused = append(refused, p)
			}
		}
	}
	return all, refused
}

// bound checks how an exception of a name is accepted: bound to its content, or by its
// name where the compose file's hash is expected, and not otherwise.
func bound(t *testing.T, composeFile, name string) {
	t.Helper()
	envs := []string{"V", "CMD", "B", "N", "P", "F", "D", "HOST_CHOSEN"}
	with := func(expect compose.Expect) (all, refused []compose.Problem) {
		expect.Envs, expect.EnvsGiven = envs, true
		return of(judge(t, composeFile, nil, expect), name)
	}
	all, refused := with(compose.Expect{})
	if len(refused) == 0 {
		t.Errorf("%s is not refused", name)
		return
	}
	exact, sum := all[0].Accept, sha256.Sum256([]byte(composeFile))
	hash, pin := strings.TrimPrefix(exact, name+"@sha256:"), hex.EncodeToString(sum[:])
	for _, tc := range []struct {
		what   string
		expect compose.Expect
		open   bool
		taken  bool
	}{
		{"its content", compose.Expect{Allow: []string{exact}}, false, hash != exact},
		{"its name alone", compose.Expect{Allow: []string{name}}, true, false},
		{"its name and the file's hash", compose.Expect{Allow: []string{name}, DockerComposeSHA256: []string{pin}}, false, true},
		{"its name and another file's hash", compose.Expect{Allow: []string{name}, DockerComposeSHA256: []string{strings.Repeat("0", 64)}}, true, false},
		{"another content", compose.Expect{Allow: []string{name + "@sha256:" + strings.Repeat("0", 64)}}, false, false},
		{"another content and the file's hash", compose.Expect{Allow: []string{name + "@sha256:" + strings.Repeat("0", 64)}, DockerComposeSHA256: []string{pin}}, false, false},
	} {
		all, refused := with(tc.expect)
		switch {
		case tc.taken && slices.ContainsFunc(all, func(p compose.Problem) bool { return !p.Accepted }):
			t.Errorf("%s does not accept it: %+v", tc.what, all)
		case !tc.taken && hash != exact && slices.ContainsFunc(all, func(p compose.Problem) bool { return p.Accepted }):
			t.Errorf("%s accepts it: %+v", tc.what, all)
		case tc.open && (len(refused) > 0 || len(all[0].Settle) == 0):
			t.Errorf("%s does not leave it open: %+v", tc.what, all)
		}
	}
}

// TestPasses: what the launcher's service and others may have.
func TestPasses(t *testing.T) {
	for name, text := range map[string]string{
		"env file": file("", "  other: {image: x, env_file: .env}"),
		"recommended": file(`restart: on-failure
container_name: app
ports: ["8080:80"]
networks: [default]
read_only: true
security_opt: ["no-new-privileges:true"]
cap_drop: [ALL]
logging: {driver: journald}
tmpfs: ["/tmp", "/run/git-launcher"]
environment: {PLATFORM: TEE, GIT_LAUNCHER_LOG_FORMAT: json}
configs: [{source: launcher, target: /etc/git-launcher/config.conf}]
volumes: ["/var/run/dstack.sock:/var/run/dstack.sock", "work:/var/lib/git-launcher"]`,
			"configs: {launcher: {content: 'REPO_URL=x'}}", "volumes: {work: {}}"),
		"socket by its other name": file(`volumes: ["/run/dstack.sock:/var/run/dstack.sock:ro"]`),
		"harmless command":         file(`command: ["run", "--log-level", "debug", "--max-files=5", "--platform", "tee", "/etc/git-launcher/config.conf"]`),
		"harmless command line":    file(`command: --receipt-log --retries 3`),
		"a command without words":  file(`command: []`), "a command line without words": file(`command: "  "`), "a command of run alone": file(`command: run`),
		"other services": file("", `  db:
    image: postgres:16
    environment: {PASSWORD: "${DB_PASSWORD}"}
    volumes: ["db:/var/lib/postgresql/data", "./data:/data", {type: tmpfs, target: /t}]
    healthcheck: {test: [CMD, "true"]}
    cap_add: [NET_BIND_SERVICE]
    security_opt: ["no-new-privileges:true"]
    networks: [default, back]
    env_file: [./db.env]
    deploy: {resources: {limits: {memory: 1g}}}
    logging: {driver: json-file, options: {max-size: 1m}}
  cache:
    image: redis:7
    runtime: runc
    depends_on: [db]
    volumes: ["cache:/data", "scratch:/scratch", "disk:/disk", "plain:/plain"]
networks: {back: {internal: true}}
volumes:
  db: {}
  cache: {name: cache}
  scratch: {driver_opts: {type: tmpfs, device: tmpfs, o: "size=1m"}}
  plain: {driver_opts: {}}
  disk: {driver: local, driver_opts: {type: none, o: bind, device: /srv/disk}}`),
		"privileges": file("security_opt: [\"no-new-privileges=true\"]"),
		"anchors":    "x-common: &c\n  restart: always\nservices:\n  launcher:\n    <<: *c\n    read_only: true\n    image: a/launcher@" + digest + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := judge(t, text, nil, compose.Expect{})
			if r.Service != "launcher" || len(r.Problems) > 0 {
				t.Errorf("service %q, %q, %+v", r.Service, r.NoService, r.Problems)
			}
		})
	}
}

// TestLauncherDenied: each line that the launcher's service may not have, and the
// name that accepts it.
// SECURITY.md: E5, P3.
func TestLauncherDenied(t *testing.T) {
	for text, accept := range map[string]string{
		`entrypoint: ["/bin/sh"]`: "entrypoint", `healthcheck: {test: "true"}`: "healthcheck", `env_file: x`: "env_file",
		`build: .`: "build", `extends: {service: x}`: "extends", `privileged: true`: "privileged", `pid: host`: "pid",
		`post_start: [{command: "x"}]`: "post_start", `pre_stop: [{command: "x"}]`: "pre_stop", `devices: ["/dev/kvm:/dev/kvm"]`: "devices",
		`volumes_from: [x]`: "volumes_from", `network_mode: host`: "network_mode", `extra_hosts: ["a:1.2.3.4"]`: "extra_hosts", `dns: 1.2.3.4`: "dns",
		`working_dir: /x`: "working_dir", `runtime: x`: "runtime", `secrets: [{source: s, target: /usr/bin/bash}]`: "secrets", `cap_add: [SYS_ADMIN]`: "cap_add",
		`command: check`: "command", `command: [run, --dstack-endpoint, /tmp/fake.sock]`: "command", `command: run --dstack-endpoint=/tmp/fake.sock`: "command",
		`command: --platform nontee`: "command", `command: --platform=nontee`: "command", `command: ["--platform"]`: "command", `command: /data/other.conf`: "command",
		`command: "--platform 'nontee'"`: "command", `command: [receipt]`: "command", `command: [""]`: "command", `command: [run, ""]`: "command", `command: [run, run]`: "command", `command: [run, /etc/git-launcher/config.conf, /etc/git-launcher/config.conf]`: "command", `command: --no-such-flag`: "command", `command: ["${CMD}"]`: "command",
		`environment: [PLATFORM=NONTEE]`: "env:PLATFORM", `environment: {GIT_LAUNCHER_PLATFORM: nontee}`: "env:GIT_LAUNCHER_PLATFORM",
		`environment: [HOST_CHOSEN]`: "env:HOST_CHOSEN", `environment: ["A=${B}"]`: "env:A", `environment: {A: $B}`: "env:A", `environment: {A: }`: "env:A",
		`environment: [DSTACK_SIMULATOR_ENDPOINT=/x]`: "env:DSTACK_SIMULATOR_ENDPOINT",
		`environment: [GIT_LAUNCHER_PROFILE=/x]`:      "env:GIT_LAUNCHER_PROFILE", `environment: {GIT_LAUNCHER_RECEIPT: /usr/bin/env}`: "env:GIT_LAUNCHER_RECEIPT",
		`volumes: ["/tmp/fake.sock:/var/run/dstack.sock"]`: "volumes", `volumes: ["./c.conf:/etc/git-launcher/config.conf"]`: "volumes",
		`volumes: ["/var/run/docker.sock:/var/run/docker.sock"]`: "volumes", `volumes: ["/var/run:/var/run"]`: "volumes", `volumes: ["vol:/usr/local/bin"]`: "volumes",
		`volumes: ["vol:/etc"]`: "volumes", `volumes: ["vol:/"]`: "volumes", `volumes: ["vol:/usr/../etc/git-launcher"]`: "volumes", `volumes: ["v:/etc"]`: "volumes", `volumes: ["${V}:/x"]`: "volumes",
		`volumes: ["bound:/x"]`: "volumes", `volumes: ["plug:/x"]`: "volumes", `volumes: [{type: image, source: x, target: /x}]`: "volumes",
		`tmpfs: /etc/git-launcher`: "tmpfs", `tmpfs: ["/usr"]`: "tmpfs",
		`configs: [file]`: "configs", `configs: [env]`: "configs", `configs: [ext]`: "configs", `configs: [{source: good, target: /usr/local/bin/git-launcher}]`: "configs",
		`configs: [{source: dollar, target: /etc/git-launcher/config.conf}]`: "configs", `configs: [{source: braces, target: /etc/git-launcher/config.conf}]`: "configs",
		`configs: [{source: file, target: /etc/git-launcher/config.conf}]`:                "configs",
		`configs: [{source: good, target: /var/lib/git-launcher/workload/entrypoint.sh}]`: "configs", `configs: [{source: good, target: /data/x}]`: "configs",
		`configs: [{source: good, target: /etc/git-launcher/config.conf}, {source: more, target: /etc/git-launcher/../git-launcher/config.conf}]`: "configs",
		`command: [--receipt, /usr/bin/env]`: "command", `command: --receipt=/bin/bash`: "command", `command: ["--receipt"]`: "command",
		`networks: [host]`: "networks", `networks: [filled]`: "networks", `logging: {driver: fluentd, options: {fluentd-address: "unix:///run/dstack.sock"}}`: "logging",
		`volumes: ["overlay:/x"]`: "volumes", `volumes: ["path:/x"]`: "volumes",
		`security_opt: ["seccomp=./data/profile.json"]`: "security_opt", `security_opt: ["no-new-privileges:true", "seccomp:unconfined"]`: "security_opt", `security_opt: ["apparmor=mine"]`: "security_opt",
		`command: "--receipt /usr/bin/env;.json"`: "command", `command: "--retries 3 > x"`: "command",
	} {
		t.Run(text, func(t *testing.T) {
			full := file(text, `  x: {image: y}
volumes:
  vol: {}
  bound: {driver_opts: {type: none, o: bind, device: /srv}}
  plug: {driver: plugin}
  overlay: {driver_opts: {type: overlay, device: overlay, o: "lowerdir=/srv"}}
  path: {name: /srv}
networks:
  host: {external: true}
  filled: {name: "${N}"}
configs:
  more: {content: b}
  file: {file: ./c}
  env: {environment: E}
  ext: {external: true}
  good: {content: a}
  dollar: {content: "A=$B"}
  braces: {content: "A=${B}"}
secrets: {s: {file: ./s}}`)
			r := judge(t, full, nil, compose.Expect{})
			if !slices.Contains(denied(r), "launcher:"+accept) {
				t.Errorf("denied %q, want launcher:%s", denied(r), accept)
			}
			bound(t, full, "launcher:"+accept)
		})
	}
}

// TestOtherDenied: each way in which another service gets the keys.
// SECURITY.md: E5, P4.
func TestOtherDenied(t *testing.T) {
	for _, text := range []string{
		`volumes: ["/var/run/dstack.sock:/x"]`, `volumes: ["/run/dstack.sock:/x:ro"]`, `volumes: ["/var/run/docker.sock:/x"]`, `volumes: ["/var/run:/x"]`, `volumes: ["/run:/x"]`,
		`volumes: ["/var:/x"]`, `volumes: ["/:/x"]`, `volumes: ["/var/run/../run/dstack.sock:/x"]`, `volumes: ["/var/lib/docker/volumes:/x:ro"]`, `volumes: ["/var/lib:/x"]`, `volumes: ["/dev:/x"]`,
		`volumes: ["../var/run/dstack.sock:/x"]`, `volumes: [".:/x"]`, `volumes: ["./docker-compose.yaml:/x"]`, `volumes: ["~/.ssh:/x"]`, `volumes: ["/etc:/x"]`, `volumes: ["/proc:/x"]`,
		`volumes: ["work:/x"]`, `volumes: ["alias:/x"]`, `volumes: ["bound:/x"]`, `volumes: ["plug:/x"]`, `volumes: ["${V}:/x"]`, `volumes: ["$V:/x"]`, `volumes: ["filled:/x"]`,
		`volumes: [{type: bind, source: /var/run/dstack.sock, target: /x}]`, `volumes: [{type: npipe, source: x, target: /x}]`,
		`privileged: true`, `privileged: "${P}"`, `pid: host`, `pid: "service:launcher"`, `ipc: host`, `userns_mode: host`, `cgroup: host`, `devices: ["/dev/sda:/dev/sda"]`, `device_cgroup_rules: ["c 1:3 mr"]`,
		`volumes_from: [launcher]`, `cap_add: [SYS_ADMIN]`, `cap_add: [ALL]`, `cap_add: [CAP_SYS_PTRACE]`, `security_opt: ["seccomp:unconfined"]`, `security_opt: ["label=disable"]`,
		`build: .`, `extends: {file: x.yaml, service: y}`, `post_start: [{command: x, privileged: true}]`, `configs: [sock]`, `secrets: [sock]`, `configs: [fill]`, `use_api_socket: true`,
		`network_mode: host`, `network_mode: "service:launcher"`, `network_mode: "container:launcher"`, `networks: [host]`, `networks: [byname]`, `networks: [filled]`, `networks: {default: , host: {}}`,
		`gpus: all`, `deploy: {resources: {reservations: {devices: [{driver: cdi, capabilities: [gpu], device_ids: ["vendor.com/class=disk"]}]}}}`, `runtime: other`, `annotations: {org.systemd.property.x: y}`, `models: [m]`,
		`pre_start: [{image: x, command: y}]`, `provider: {type: x}`, `security_opt: ["systempaths=unconfined"]`, `security_opt: ["seccomp=./profile.json"]`, `security_opt: ["apparmor=mine"]`,
		`volumes: ["overlay:/x"]`, `volumes: ["proc:/x"]`, `volumes: ["typed:/x"]`, `volumes: ["deviced:/x"]`, `volumes: ["opted:/x"]`, `volumes: ["devtmpfs:/x"]`, `volumes: ["path:/x"]`, `volumes: ["projectname:/x"]`, `volumes: ["named:/x"]`, `volumes: ["olderproject:/x"]`, `volumes: ["/var/volatile/dstack:/x"]`, `volumes: ["/home/root:/x"]`, `volumes: ["/opt/cni:/x"]`, `volumes: ["./compose.yaml:/x"]`, `volumes: ["./docker-compose.override.yml:/x"]`,
		`volumes: ["./data:/x", "./data/link:/y"]`, `volumes: ["/srv/a/b:/x"]`, `volumes: ["inner:/x"]`, `configs: [inner]`, `secrets: [inner]`, `env_file: /etc/shadow`, `env_file: [{path: ./data, required: false}, /run/x]`, `label_file: /etc/x`,
		`logging: {driver: syslog, options: {syslog-address: "unix:///run/dstack.sock"}}`,
	} {
		t.Run(text, func(t *testing.T) {
			full := file(`volumes: ["work:/var/lib/git-launcher", "kept:/data"]`, `  other:
    image: x
    `+text+`
  writer:
    image: x
    volumes: ["/srv/a:/x", "/srv/readonly:/y:ro"]
volumes:
  kept: {}
  overlay: {driver_opts: {type: overlay, device: overlay, o: "lowerdir=/run/x"}}
  proc: {driver_opts: {type: proc, device: proc}}
  typed: {driver_opts: {type: proc}}
  deviced: {driver_opts: {device: /dev/sda}}
  opted: {driver_opts: {o: bind}}
  devtmpfs: {driver_opts: {type: devtmpfs, device: devtmpfs}}
  path: {name: /srv}
  projectname: {name: dstack_kept}
  named: {external: {name: dstack_kept}}
  olderproject: {external: true, name: tapp_kept}
  inner: {driver_opts: {type: none, o: bind, device: /srv/a/inner}}
  work: {name: same}
  alias: {name: same}
  bound: {driver_opts: {type: none, o: bind, device: /var/run}}
  filled: {driver_opts: {type: none, o: bind, device: "${D}"}}
  plug: {driver: plugin}
networks:
  host: {external: true}
  byname: {external: true, name: host}
  filled: {name: "${N}"}
configs:
  inner: {file: /srv/a/c}
  sock: {file: /var/run/docker.sock}
  fill: {file: "${F}"}
secrets: {sock: {file: /var/run/dstack.sock}, inner: {file: /srv/a/s}}`)
			r := judge(t, full, nil, compose.Expect{})
			if !slices.Equal(slices.Compact(denied(r)), []string{"service:other"}) {
				t.Errorf("denied %q", denied(r))
			}
			bound(t, full, "service:other")
		})
	}
}

// TestNotes: what an app-compose has that is good to know is said, and what it has not is not.
func TestNotes(t *testing.T) {
	for field, value := range map[string]any{"swap_size": "1G", "secure_time": false, "": nil} {
		app := map[string]any{}
		if field != "" {
			app[field] = value
		}
		said := 0
		for _, note := range judge(t, file(""), app, compose.Expect{}).Notes {
			if strings.Contains(note, "swap") || strings.Contains(note, "time") {
				said++
			}
		}
		if said != min(len(app), 1) {
			t.Errorf("%q: %d notes", field, said)
		}
	}
}

// TestDefaultNetwork: a service without networks is on the default one.
// SECURITY.md: E5.
func TestDefaultNetwork(t *testing.T) {
	r := judge(t, file("network_mode: none", "  other: {image: x}\nnetworks: {default: {external: true, name: host}}"), nil, compose.Expect{})
	if !slices.Equal(denied(r), []string{"launcher:network_mode", "service:other"}) {
		t.Errorf("denied %q", denied(r))
	}
}

// TestAppDenied: what of app-compose itself can change what runs.
// SECURITY.md: E5.
func TestAppDenied(t *testing.T) {
	for _, tc := range []struct{ key, value, accept string }{
		{"pre_launch_script", "x", "pre_launch_script"}, {"init_script", "x", "init_script"}, {"bash_script", "x", "bash_script"}, {"runner", "bash", "runner"},
	} {
		if r := judge(t, file(""), map[string]any{tc.key: tc.value}, compose.Expect{}); !slices.Equal(denied(r), []string{tc.accept}) {
			t.Errorf("%s: denied %q", tc.key, denied(r))
		}
	}
	for top, accept := range map[string]string{
		"networks: {default: {external: true, name: host}}\n": "launcher:networks",
		"include: [x.yaml]\n": "include", "jobs: {j: {image: x, triggers: {manual: true}, volumes: ['/run/dstack.sock:/x']}}\n": "jobs", "models: {m: {model: x}}\n": "models",
	} {
		if r := judge(t, top+file(""), nil, compose.Expect{}); !slices.Equal(denied(r), []string{accept}) {
			t.Errorf("%s: denied %q", accept, denied(r))
		}
		bound(t, top+file(""), accept)
	}
	for _, env := range []string{
		"PLATFORM", "DEFAULT_IMAGE_DIGEST", "TARGET_PLATFORM", "PATH", "BASH_ENV", "ENV", "SHELLOPTS", "IFS", "LD_PRELOAD", "COMPOSE_FILE", "DOCKER_HOST", "BUILDKIT_X", "GIT_LAUNCHER_PLATFORM",
		"SSH_CLIENT", "HOME", "XDG_CONFIG_HOME", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "GODEBUG", "DSTACK_SIMULATOR_ENDPOINT", "DCAP_TDX_QUOTE_API",
		"GCONV_PATH", "PS4", "GLIBC_TUNABLES", "BASH_LOADABLES_PATH", "A B", "A\nLD_PRELOAD", "X=1", "",
	} {
		if r := judge(t, file(""), map[string]any{"allowed_envs": []string{env}}, compose.Expect{}); !slices.Equal(denied(r), []string{"allowed_env:" + env}) {
			t.Errorf("%s: denied %q", env, denied(r))
		}
	}
	envs := map[string]any{"allowed_envs": []string{"TOKEN", "OTHER"}}
	if r := judge(t, file(""), envs, compose.Expect{}); len(denied(r)) > 0 {
		t.Errorf("harmless variables are denied without an expectation: %q", denied(r))
	}
	if r := judge(t, file(""), envs, compose.Expect{EnvsGiven: true, Envs: []string{"TOKEN"}}); !slices.Equal(denied(r), []string{"allowed_env:OTHER"}) {
		t.Errorf("denied %q", denied(r))
	}
}

// TestService: which service is the launcher's.
func TestService(t *testing.T) {
	two := file("", "  second: {image: example.org/git-launcher@"+digest+"}")
	if r := judge(t, two, nil, compose.Expect{}); r.Service != "" || !strings.Contains(r.NoService, "launcher, second") {
		t.Errorf("%q, %q", r.Service, r.NoService)
	}
	if r := judge(t, two, nil, compose.Expect{Allow: []string{"service:second"}}); r.Service != "launcher" {
		t.Errorf("%q, %q", r.Service, r.NoService)
	}
	if r := judge(t, file(""), nil, compose.Expect{LauncherDigests: []string{"sha256:" + strings.Repeat("b", 64)}}); r.Service != "" || r.NoService == "" {
		t.Errorf("%q is taken for another digest", r.Service)
	}
	if r := judge(t, file(""), nil, compose.Expect{LauncherDigests: []string{}}); r.Service != "launcher" || !r.ByName {
		t.Errorf("%q, by name %v", r.Service, r.ByName)
	}
	for _, image := range []string{"x/launcher:v1", "x/launcher", "x/launcher@sha256:AAAA", "x/launcher@sha256:${D}", "x/launcher@" + digest[:70]} {
		r := judge(t, "services: {a: {image: "+fmt.Sprintf("%q", image)+"}}", nil, compose.Expect{LauncherDigests: []string{}})
		if r.ImageDigest != "" || !slices.Contains(denied(r), "launcher:image") {
			t.Errorf("%s: digest %q, denied %q", image, r.ImageDigest, denied(r))
		}
	}
}

func TestConfig(t *testing.T) {
	r := judge(t, file("configs: [{source: c, target: /etc/git-launcher/config.conf}]", "configs: {c: {content: \"RUN_CMD=echo $$HOME\\n\"}}"), nil, compose.Expect{})
	if string(r.Config) != "RUN_CMD=echo $HOME\n" || len(r.Problems) > 0 {
		t.Errorf("config %q, %+v", r.Config, r.Problems)
	}
	if r := judge(t, file(""), nil, compose.Expect{}); r.Config != nil {
		t.Errorf("config %q", r.Config)
	}
}

// TestImageModeMounts: docker.sock, /tapp and /mnt/shared are the image launcher's alone.
func TestImageModeMounts(t *testing.T) {
	text := file(`volumes: ["/var/run/docker.sock:/var/run/docker.sock", "/var/run/dstack.sock:/var/run/dstack.sock", "/tapp:/tapp:ro", "shared-volume:/mnt/shared"]`, "volumes: {shared-volume: {name: shared-volume}}")
	if r := judge(t, text, nil, compose.Expect{Image: true}); len(r.Problems) > 0 {
		t.Errorf("%+v", r.Problems)
	}
	if r := judge(t, text, nil, compose.Expect{}); !slices.Contains(denied(r), "launcher:volumes") {
		t.Error("git mode's launcher may have Docker's socket")
	}
	// The node's own volumes are named in no compose file but could be in another service.
	spy := file("", "  spy: {image: x, volumes: [\"keys:/keys\"]}", "volumes: {keys: {external: true, name: mpc-data}}")
	if r := judge(t, spy, nil, compose.Expect{Image: true}); !slices.Contains(denied(r), "service:spy") {
		t.Error("another service may have the node's volume")
	}
}

// TestOurOwn: the compose files that we recommend are ones that we verify.
func TestOurOwn(t *testing.T) {
	dir := filepath.Join("..", "..", "image", "compose")
	for name, expect := range map[string]compose.Expect{
		"git-mode.yaml": {}, "derived.yaml": {}, "private.yaml": {}, "mpc-tee.yaml": {Image: true},
	} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		expect.LauncherDigests, expect.Envs, expect.EnvsGiven = []string{"sha256:" + strings.Repeat("0", 64)}, []string{"REPO_TOKEN"}, true
		r := judge(t, string(data), nil, expect)
		if r.Service == "" || len(denied(r)) > 0 {
			t.Errorf("%s: %q, %+v", name, r.NoService, r.Problems)
		}
	}
}

// FuzzJudge is for SECURITY.md: E5.
func FuzzJudge(f *testing.F) {
	f.Fuzz(func(t *testing.T, composeFile string) {
		data, err := json.Marshal(map[string]any{"runner": "docker-compose", "docker_compose_file": composeFile})
		if err != nil {
			return
		}
		r, err := compose.Judge(t.Context(), data, compose.Expect{LauncherDigests: []string{digest}})
		if err == nil && r.Service == "" && r.NoService == "" {
			t.Fatal("no service, and no reason")
		}
		if err == nil && r.Service != "" && r.ImageDigest != digest {
			t.Fatalf("service %q runs %q", r.Service, r.ImageDigest)
		}
		if err == nil && r.Pinned && (r.Service == "" || !r.ConfigFromEnv || len(denied(r)) > 0 && strings.HasPrefix(denied(r)[0], "launcher:")) {
			t.Fatalf("pinned, with service %q, config %q, %+v", r.Service, r.Config, r.Problems)
		}
	})
}

func FuzzApp(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := compose.Judge(t.Context(), data, compose.Expect{}); (err == nil) == (r == nil) {
			t.Fatalf("%v, %v", r, err)
		}
	})
}
