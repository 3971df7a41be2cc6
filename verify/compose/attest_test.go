package compose_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"gitlauncher/verify/compose"
)

// attested returns image/compose/attest.yaml with a digest.
func attested(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("../../image/compose/attest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	zeros := "sha256:" + strings.Repeat("0", 64)
	if strings.Count(string(data), zeros) != 2 {
		t.Fatal("the file does not name its image twice")
	}
	return strings.ReplaceAll(string(data), zeros, digest)
}

// TestAttest: attest beside a launch has the guest agent's socket in one shape, and
// passes without an exception. Any difference makes it a service like any other.
// SECURITY.md: A3.
func TestAttest(t *testing.T) {
	honest := attested(t)
	service := func(more string) string {
		return strings.Replace(honest, "  attest:\n", "  attest:\n    "+more+"\n", 1)
	}
	edit := func(old, new string) string {
		at := strings.Index(honest, "  attest:\n")
		if !strings.Contains(honest[at:], old) {
			t.Fatalf("attest has no %q", old)
		}
		return honest[:at] + strings.Replace(honest[at:], old, new, 1)
	}
	const (
		command = `command: [attest, --listen, ":8081"]`
		socket  = "- /var/run/dstack.sock:/var/run/dstack.sock"
		volume  = "- evidence:/run/git-launcher:ro"
	)
	for name, file := range map[string]string{
		"as it is":                   honest,
		"with a key":                 edit(command, `command: [attest, --listen=0.0.0.0:80, --bind-file, /run/git-launcher/tls/cert.pem, --receipt, /run/git-launcher/r.json, --log-format, json, --dstack-timeout, 5s]`),
		"its command without flags":  edit(command, "command: [attest]"),
		"its command a string":       edit(command, "command: attest --listen :8081"),
		"ports and when it starts":   edit("ports: [\"8081:8081\"]", "ports: [\"127.0.0.1:80:8081\"]\n    expose: [\"8081\"]\n    depends_on: [app]"),
		"less than a container has":  service("mem_limit: 128m\n    cpus: 0.5\n    pids_limit: 50\n    stop_grace_period: 5s"),
		"the long form of its mount": edit(volume, "- {type: volume, source: evidence, target: /run/git-launcher, read_only: true, volume: {nocopy: true}}"),
		"its image elsewhere":        edit("registry.example/git-launcher@", "mirror.example/launcher:v1@"),
		"without its volume":         edit("      "+volume+"\n", ""),
		"the socket for reading":     edit(socket, socket+":ro"),
	} {
		r := judge(t, file, nil, expected(file))
		if r.Service != "app" || !slices.Equal(r.Attests, []string{"attest"}) || len(r.Others) > 0 || len(r.Problems) > 0 || !r.Pinned {
			t.Errorf("%s: service %q (%s), attest %q, others %q, pinned %v: %+v", name, r.Service, r.NoService, r.Attests, r.Others, r.Pinned, r.Problems)
		}
		if r := judge(t, file, nil, compose.Expect{LauncherDigests: []string{}}); r.Service != "app" && name != "its image elsewhere" || !slices.Equal(r.Attests, []string{"attest"}) {
			t.Errorf("%s, found by its name: service %q (%s), attest %q", name, r.Service, r.NoService, r.Attests)
		}
	}

	for name, tc := range map[string]struct{ file, differs string }{
		"another image":                {edit(digest, digest[:70]+"b"), "its image is not the launcher's"},
		"its image by tag":             {edit("@"+digest, ":v1"), "its image is not the launcher's"},
		"a writable root":              {edit("    read_only: true\n", ""), "its root file system can be written"},
		"a root that is not read-only": {edit("read_only: true", "read_only: false"), "its root file system can be written"},
		"a writable volume":            {edit(volume, "- evidence:/run/git-launcher"), "it can write to the volume evidence"},
		"a writable volume, said so":   {edit(volume, "- evidence:/run/git-launcher:rw"), "it can write to the volume evidence"},
		"the checkout's volume":        {edit(volume, "- workload:/run/git-launcher:ro"), "the volume workload is not the one"},
		"its volume elsewhere":         {edit(volume, "- evidence:/usr/bin:ro"), "at /usr/bin, and not at /run/git-launcher"},
		"a second volume":              {edit(volume, volume+"\n      - evidence:/data:ro"), "at /data, and not at /run/git-launcher"},
		"a volume of nobody else's":    {edit(volume, "- other:/run/git-launcher:ro") + "  other:\n", "the volume other is not the one"},
		"a folder of the VM":           {edit(volume, volume+"\n      - ./data:/data:ro"), "it has a mount of type bind at /data"},
		"Docker's socket":              {edit(volume, volume+"\n      - /var/run/docker.sock:/var/run/docker.sock"), "it has a mount of type bind at /var/run/docker.sock"},
		"the socket elsewhere":         {edit(socket, "- /var/run/dstack.sock:/run/x.sock"), "it has a mount of type bind at /run/x.sock"},
		"a shared mount":               {edit(socket, "- {type: bind, source: /var/run/dstack.sock, target: /var/run/dstack.sock, bind: {propagation: rshared}}"), "it has a mount with bind.propagation"},
		"a folder of its volume":       {edit(volume, "- {type: volume, source: evidence, target: /run/git-launcher, read_only: true, volume: {subpath: x}}"), "it has a mount with volume.subpath"},
		"a tmpfs":                      {service("tmpfs: [/tmp]"), "it has tmpfs"},
		"another agent":                {edit(command, `command: [attest, --dstack-endpoint, /run/git-launcher/agent.sock]`), "its command sets --dstack-endpoint"},
		"a key of the image":           {edit(command, `command: [attest, --bind-file, /etc/ssl/x.pem]`), "its command sets --bind-file"},
		"a key beyond its volume":      {edit(command, `command: [attest, --bind-file, /run/git-launcher/../../proc/self/x]`), "its command sets --bind-file"},
		"another receipt":              {edit(command, `command: [attest, --receipt, /tmp/x.json]`), "its command sets --receipt"},
		"a flag that it has not":       {edit(command, `command: [attest, --bind-spki, "00"]`), "there is no flag --bind-spki"},
		"a flag of run":                {edit(command, `command: [attest, --measure, auto]`), "there is no flag --measure"},
		"a word behind it":             {edit(command, `command: [attest, run]`), `its command has "run"`},
		"a flag without a value":       {edit(command, `command: [attest, --listen]`), "in its command"},
		"a ${…} in its command":        {edit(command, `command: [attest, --listen, "${WHERE}"]`), "it has a ${…} in command"},
		"a ${…} in its image":          {edit("registry.example/", "${REGISTRY}/"), "it has a ${…} in image"},
		"a ${…} in its ports":          {edit("8081:8081", "${PORT}:8081"), "it has a ${…} in ports"},
		"an entrypoint":                {service("entrypoint: [/bin/bash]"), "it has entrypoint"},
		"a variable":                   {service("environment: {GODEBUG: http2debug=2}"), "it has environment"},
		"a file of variables":          {service("env_file: .env"), "it has env_file"},
		"a user":                       {service("user: \"1000\""), "it has user"},
		"a capability":                 {service("cap_add: [SYS_PTRACE]"), "it has cap_add"},
		"a capability of any":          {service("cap_add: [CHOWN]"), "it has cap_add"},
		"privileged":                   {service("privileged: true"), "it has privileged"},
		"the VM's network":             {service("network_mode: host"), "it has network_mode"},
		"the launcher's network":       {service("network_mode: service:app"), "it has network_mode"},
		"a network":                    {service("networks: [front]") + "networks: {front: {}}\n", "it has networks"},
		"the default network's driver": {honest + "networks: {default: {driver: macvlan}}\n", "is on the network default of driver macvlan"},
		"the launcher's processes":     {service("pid: service:app"), "it has pid"},
		"the host's IPC":               {service("ipc: host"), "it has ipc"},
		"other volumes":                {service("volumes_from: [app]"), "it has volumes_from"},
		"a confinement":                {edit("no-new-privileges:true", "seccomp:unconfined"), "it has security_opt"},
		"a device":                     {service("devices: [/dev/tdx_guest]"), "it has devices"},
		"a config":                     {service("configs: [{source: c, target: /usr/bin/git-launcher}]") + "configs: {c: {content: x}}\n", "it has configs"},
		"a secret":                     {service("secrets: [s]") + "secrets: {s: {file: ./secrets/s}}\n", "it has secrets"},
		"a hook":                       {service("post_start: [{command: /x, user: root}]"), "it has post_start"},
		"a health check":               {service("healthcheck: {test: [CMD, /bin/sh]}"), "it has healthcheck"},
		"a working directory":          {service("working_dir: /run/git-launcher"), "it has working_dir"},
		"a runtime":                    {service("runtime: nvidia"), "it has runtime"},
		"limits with devices":          {service("deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}"), "it has deploy"},
		"something new":                {service("sysctls: {net.core.somaxconn: 1}"), "it has sysctls"},
	} {
		r := judge(t, tc.file, nil, expected(tc.file))
		_, refused := of(r, "service:attest")
		if r.Service != "app" || len(r.Attests) > 0 || !slices.Equal(r.Others, []string{"attest"}) {
			t.Errorf("%s: service %q (%s), attest %q, others %q", name, r.Service, r.NoService, r.Attests, r.Others)
		}
		if !slices.ContainsFunc(refused, func(p compose.Problem) bool {
			return strings.Contains(p.What, "dstack.sock") && strings.Contains(p.Why, "it is not attest as that is known: ") && strings.Contains(p.Why, tc.differs)
		}) {
			t.Errorf("%s: said is %+v, want %q", name, refused, tc.differs)
		}
		expect := expected(tc.file)
		for _, p := range refused {
			expect.Allow = append(expect.Allow, p.Accept)
		}
		if _, left := of(judge(t, tc.file, nil, expect), "service:attest"); len(left) > 0 {
			t.Errorf("%s: with %q there is %+v", name, expect.Allow, left)
		}
	}
}

// expected returns what a policy that pin wrote expects of a file.
func expected(file string) compose.Expect {
	return compose.Expect{EnvsGiven: true, Envs: []string{"WHERE", "PORT"}, DockerComposeSHA256: []string{sum(file)}}
}

// TestAttestForgeries: services that are called attest, and would be the launch or
// reach it.
// SECURITY.md: A3.
func TestAttestForgeries(t *testing.T) {
	honest := attested(t)
	for name, tc := range map[string]struct{ file, want string }{
		"another service writes its volume": {strings.Replace(honest, "  attest:\n", "  other: {image: x, volumes: [\"evidence:/x\"]}\n  attest:\n", 1), "refused: service:other: its files decide"},
		"and by another name":               {strings.Replace(honest, "  attest:\n", "  other: {image: x, volumes: [\"mine:/x\"]}\n  attest:\n", 1) + "  mine: {name: dstack_evidence, external: true}\n", "refused: service:other: its files decide"},
		"its volume is a folder of the VM":  {honest[:strings.LastIndex(honest, "  evidence:")] + "  evidence: {driver_opts: {type: none, o: bind, device: /srv/x}}\n", "refused: launcher:volumes: folder of the VM"},
		"its volume on WORK_DIR, too":       {strings.Replace(honest, "- workload:/var/lib/git-launcher\n", "- evidence:/var/lib/git-launcher\n", 1), "refused: launcher:volumes: and elsewhere, too"},
		"its volume on another place":       {strings.Replace(honest, "- workload:/var/lib/git-launcher\n", "- evidence:/uploads\n", 1), "refused: launcher:volumes: and elsewhere, too"},
		"and by another name there":         {strings.Replace(honest, "- workload:/var/lib/git-launcher\n", "- mine:/uploads\n", 1) + "  mine: {name: dstack_evidence, external: true}\n", "refused: launcher:volumes: and elsewhere, too"},
		"WORK_DIR on its volume":            {strings.Replace(honest, "        COMMIT_SHA=", "        WORK_DIR=/run/git-launcher/w\n        COMMIT_SHA=", 1), "refused: service:attest: WORK_DIR"},
		"WORK_DIR there by another way":     {strings.Replace(honest, "        COMMIT_SHA=", "        WORK_DIR=/proc/self/root/run/git-launcher/w\n        COMMIT_SHA=", 1), "refused: service:attest: WORK_DIR"},
		"attest alone":                      {honest[:strings.Index(honest, "  app:\n")] + honest[strings.Index(honest, "  attest:\n"):], "no service: no service runs"},
		"a launcher behind its command":     {strings.Replace(honest, "  attest:\n", "  attest:\n    entrypoint: [/usr/bin/git-launcher, run, --]\n", 1), "refused: service:attest: it has entrypoint"},
		"a second launcher":                 {strings.Replace(honest, "command: [attest, ", "command: [run, ", 1), "no service: several services"},
		"attest behind run":                 {strings.Replace(honest, "command: [attest, ", "command: [run, attest, ", 1), "no service: several services"},
	} {
		got := forge(t, tc.file, nil, expected(tc.file))
		state, want, _ := strings.Cut(tc.want, ": ")
		words := strings.Split(want, ": ")
		if !slices.ContainsFunc(got, func(r string) bool {
			return strings.HasPrefix(r, state+": ") && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(r, w) })
		}) {
			t.Errorf("%s: said is %q, want %q", name, got, tc.want)
		}
	}
	// Image mode has no attest: there it is a second launcher.
	if r := judge(t, honest, nil, compose.Expect{Image: true}); r.Service != "" || len(r.Attests) > 0 {
		t.Errorf("in image mode: service %q, attest %q", r.Service, r.Attests)
	}
}
