package compose_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gitlauncher/verify/compose"
	"gitlauncher/verify/compose/exception"
)

// stranger is a service that takes over the VM.
const stranger = "  evil: {image: evil, privileged: true, volumes: [\"/:/host\"]}"

// TestForgeries: files that were made to look honest. Each has what speaks against it:
// how (error, refused, open), the exception's name, and words of the reason.
// SECURITY.md: E5, E6, P1, P2, P4.
func TestForgeries(t *testing.T) {
	privileged := "x-evil: &evil {privileged: true, volumes: ['/:/host']}\n" + shop("", "  other:\n    image: x\n    MERGE: *evil")
	for name, tc := range map[string]struct{ file, want string }{
		// One file, two readings.
		"a tagged key merges for one reader":        {strings.Replace(privileged, "MERGE", "!!merge k", 1), "error: tag"},
		"a quoted << merges for one reader":         {strings.Replace(privileged, "MERGE", "\"<<\"", 1), "error: <<"},
		"a << with a lone ! merges for one reader":  {strings.Replace(privileged, "MERGE", "! <<", 1), "error: tag"},
		"a key that is an alias":                    {"x-k: &k privileged\n" + shop("", "  other:\n    image: x\n    *k : true"), "error: alias for a key"},
		"a key in another spelling":                 {shop("", "  other:\n    image: x\n    privileged: false\n    \"\\x70rivileged\": true"), "error: line 17 has"},
		"a second document":                         {shop("") + "---\n" + shop("", stranger), "error: second document"},
		"a document that undoes the first":          {shop("") + "...\n" + shop("", stranger), "error: after its end"},
		"a directive":                               {"%TAG ! tag:yaml.org,2002:\n---\n" + shop(""), "error: directive"},
		"a byte-order mark":                         {"\ufeff" + shop(""), "error: U+FEFF"},
		"a line break for YAML 1.1 alone":           {shop("", "  other: {image: x} # \u0085    privileged: true"), "error: U+0085"},
		"a line separator for YAML 1.1 alone":       {shop("", "  other: {image: x} # \u2028    privileged: true"), "error: U+2028"},
		"a carriage return alone":                   {shop("", "  other:\n    image: x\n    # \r    privileged: true"), "error: U+000D"},
		"an anchor's name that ends elsewhere":      {shop("", "  other: &a?b {image: x}"), "error: older versions of Docker Compose"},
		"an anchor with a colon in its name":        {shop("", "  other:\n    image: &a:b x"), "error: part of the name"},
		"a removal by tag":                          {shop("", "  evil:\n    image: x\n    privileged: !reset true"), "error: tag"},
		"a service with a number for a name":        {shop("", "  1: {image: x}"), "error: not a string"},
		"a boolean by another name":                 {strings.Replace(shop(""), "read_only: true", "read_only: yes", 1), "refused: launcher:writable: not true"},
		"an extension that newer versions promote":  {shop("    x-develop: {watch: [{path: ., action: sync, target: /}]}\n"), "refused: launcher:develop: may not have it"},
		"a variable's name that is filled in":       {strings.Replace(shop(""), "    environment:\n      GIT_LAUNCHER_RECEIPT_LOG: \"true\"\n      GIT_LAUNCHER_CONFIG: |\n        REPO_URL=https://example.org/shop.git\n        COMMIT_SHA=0123456789abcdef0123456789abcdef01234567\n", "    environment: ['${API_KEY}=x']\n", 1), "refused: launcher:env:${API_KEY}: variable of the name"},
		"a config in pieces that are not in a file": {strings.Replace(shop(""), "COMMIT_SHA=0123456789abcdef0123456789abcdef01234567", "COMMIT_SHA=${API_KEY}", 1), "refused: launcher:env:GIT_LAUNCHER_CONFIG: filled in"},
		"a $ that looks escaped":                    {strings.Replace(shop(""), "REPO_URL=https://example.org/shop.git", "RUN_CMD=echo $$$API_KEY", 1), "refused: launcher:env:GIT_LAUNCHER_CONFIG: filled in"},

		// State that outlives a boot, and places of the image.
		"a writable container":                         {strings.Replace(shop(""), "    read_only: true\n", "", 1), "refused: launcher:writable: across reboots"},
		"a container that says it is writable":         {strings.Replace(shop(""), "read_only: true", "read_only: false", 1), "refused: launcher:writable: across reboots"},
		"a volume over programs":                       {strings.Replace(shop(""), "workload:/var/lib/git-launcher", "workload:/usr/local/bin", 1), "refused: launcher:volumes: hides files"},
		"a volume over root's home":                    {strings.Replace(shop(""), "workload:/var/lib/git-launcher", "workload:/root", 1), "refused: launcher:volumes: hides files"},
		"a volume over the package database":           {strings.Replace(shop(""), "workload:/var/lib/git-launcher", "workload:/var/lib/dpkg/info", 1), "refused: launcher:volumes: hides files"},
		"a volume that is the home of an image's user": {strings.Replace(shop("    user: www-data\n"), "workload:/var/lib/git-launcher", "workload:/var/www", 1), "refused: launcher:volumes: user's home"},
		"a volume that is somebody's home":             {strings.Replace(shop(""), "workload:/var/lib/git-launcher", "workload:/home/x/", 1), "refused: launcher:volumes: user's home"},
		"a volume in a hidden folder of a home":        {strings.Replace(shop(""), "workload:/var/lib/git-launcher", "workload:/home/x/.local/lib", 1), "refused: launcher:volumes: user's home"},
		"a folder of a volume":                         {strings.Replace(shop(""), "\"workload:/var/lib/git-launcher\"", "{type: volume, source: workload, target: /var/lib/git-launcher, volume: {subpath: x}}", 1), "refused: launcher:volumes: volume.subpath: x"},
		"a volume over /run":                           {strings.Replace(shop(""), "workload:/var/lib/git-launcher", "workload:/run", 1), "refused: launcher:volumes: hides files"},
		"a tmpfs over the CA files":                    {strings.Replace(shop(""), "\"/root:exec\"", "/etc/ssl", 1), "refused: launcher:tmpfs: hides files"},
		"a tmpfs over the socket":                      {strings.Replace(shop(""), "\"/root:exec\"", "/var/run/dstack.sock", 1), "refused: launcher:tmpfs: hides files"},
		"a second config":                              {strings.Replace(shop(""), "    restart:", "    configs: [{source: c, target: /etc/git-launcher/config.conf}]\n    restart:", 1) + "configs: {c: {content: \"REPO_URL=x\"}}\n", "refused: launcher:configs: two configs"},
		"a file of another image in a volume":          {strings.Replace(shop("", "  other: {image: x, volumes: [\"tools:/planted:ro\"]}", "volumes:\n  tools:"), "workload:/var/lib/git-launcher", "tools:/data/bin\", \"workload:/var/lib/git-launcher", 1), "refused: service:other: nocopy"},
		"the checkout's volume twice":                  {strings.Replace(shop("", "  other: {image: x, volumes: [\"workload:/planted:ro\"]}"), "workload:/var/lib/git-launcher", "workload:/data/bin\", \"workload:/var/lib/git-launcher", 1), "refused: service:other: nocopy"},
		"the checkout's volume in writing":             {shop("", "  other: {image: x, volumes: [\"workload:/planted\"]}"), "refused: service:other: its files decide"},

		// Folders of the VM.
		"the data disk, relative":               {shop("", "  other: {image: x, volumes: [\"./persistent:/x\"]}"), "refused: service:other: data disk"},
		"the data disk by dstack's name":        {shop("", "  other: {image: x, volumes: [\"/dstack/persistent/var/lib/docker:/x\"]}"), "refused: service:other: data disk"},
		"the data disk by its older name":       {shop("", "  other: {image: x, volumes: [\"/tapp/persistent:/x\"]}"), "refused: service:other: data disk"},
		"the data disk by its real name":        {shop("", "  other: {image: x, volumes: [\"/var/volatile/dstack/persistent:/x\"]}"), "refused: service:other: data disk"},
		"the data disk around a corner":         {shop("", "  other: {image: x, volumes: [\"./data/../persistent:/x\"]}"), "refused: service:other: data disk"},
		"the guest agent's config":              {shop("", "  other: {image: x, volumes: [\"./agent.json:/x\"]}"), "refused: service:other: guest agent"},
		"the application's keys":                {shop("", "  other: {image: x, volumes: [\"./.host-shared:/x:ro\"]}"), "refused: service:other: keys"},
		"dstack's folder as a whole":            {shop("", "  other: {image: x, volumes: [\".:/x\"]}"), "refused: service:other: dstack's own"},
		"a compose file for the next start":     {shop("", "  other: {image: x, volumes: [\"./compose.yaml:/x\"]}"), "refused: service:other: dstack's own"},
		"a folder that only a later dstack has": {shop("", "  other: {image: x, volumes: [\"./newthing:/x\"]}"), "refused: service:other: no rule leaves"},
		"a network on the VM's own interface":   {shop("", "  other: {image: x, networks: [lan]}", "networks: {lan: {driver: macvlan, driver_opts: {parent: eth0}}}"), "refused: service:other: driver"},
		"the launcher on such a network":        {strings.Replace(shop("", "networks: {lan: {driver: ipvlan}}"), "    restart:", "    networks: [lan]\n    restart:", 1), "refused: launcher:networks: driver"},
		"a volume that is the data disk":        {shop("", "  other: {image: x, volumes: [\"vol:/x\"]}", "volumes:\n  vol: {driver_opts: {type: none, o: bind, device: ./persistent}}"), "refused: service:other: data disk"},
		"a folder outside of its volume":        {shop("", "  other: {image: x, volumes: [{type: volume, source: v, target: /x, volume: {subpath: ../..}}]}", "volumes:\n  v:"), "refused: service:other: volume.subpath: ../..: out of a volume"},
		"mounts that go back to the VM":         {shop("", "  other: {image: x, volumes: [\"./data:/x:rshared\"]}"), "refused: service:other: bind.propagation: rshared: share mounts"},
		"a file system from the VM's network":   {shop("", "  other: {image: x, volumes: [\"net:/x\"]}", "volumes:\n  net: {driver_opts: {type: nfs, o: \"addr=127.0.0.1\", device: \":/\"}}"), "refused: service:other: its own network"},
		"a control group elsewhere":             {shop("", "  other: {image: x, cgroup_parent: /../..}"), "refused: service:other: cgroup_parent: not known"},
		"the VM's /tmp":                         {shop("", "  other: {image: x, volumes: [\"/tmp:/x\"]}"), "refused: service:other: not one of the folders"},
		"Docker's socket as a secret":           {strings.Replace(shop(""), "    restart:", "    secrets: [token]\n    restart:", 1) + "secrets: {token: {file: /var/run/docker.sock}}\n", "refused: launcher:secrets: Docker's socket"},
		"a secret over bash":                    {strings.Replace(shop(""), "    restart:", "    secrets: [{source: token, target: /usr/bin/bash}]\n    restart:", 1) + "secrets: {token: {environment: API_KEY}}\n", "refused: launcher:secrets: audited image"},
		"a secret above its folder":             {strings.Replace(shop(""), "    restart:", "    secrets: [{source: token, target: ../../usr/bin/bash}]\n    restart:", 1) + "secrets: {token: {environment: API_KEY}}\n", "refused: launcher:secrets: audited image"},
		"an older agent's socket":               {shop("", "  other: {image: x, volumes: [\"/run/tappd.sock:/x\"]}"), "refused: service:other: guest agent's socket"},

		// What the deployer chooses.
		"code in a variable":                  {shop("      PERL5OPT: -MEvil\n"), "open: launcher:env:PERL5OPT: nobody expects it"},
		"a path in a variable":                {shop("      PATH: /data/bin\n"), "open: launcher:env:PATH: nobody expects it"},
		"one variable under another's name":   {shop("      PERL5OPT: ${API_KEY}\n"), "refused: launcher:env:PERL5OPT: own name alone"},
		"a variable with a default":           {shop("      API_KEY: ${API_KEY:-x}\n"), "refused: launcher:env:API_KEY: own name alone"},
		"a variable with something around it": {shop("      API_KEY: x${API_KEY}\n"), "refused: launcher:env:API_KEY: own name alone"},
		"a variable that nobody expects":      {shop("      OTHER_KEY: ${OTHER_KEY}\n"), "refused: allowed_env:OTHER_KEY: ALLOWED_ENVS does not have it"},
		"a variable that the loader heeds":    {shop("      LD_PRELOAD: ${LD_PRELOAD}\n"), "refused: launcher:env:LD_PRELOAD: can change what runs"},
		"a flag that the deployer chooses":    {shop("      GIT_LAUNCHER_MEASURE: ${GIT_LAUNCHER_MEASURE}\n"), "refused: launcher:env:GIT_LAUNCHER_MEASURE: can change what runs"},
		"a trace that prints tokens":          {shop("      GODEBUG: http2debug=2\n"), "refused: launcher:env:GODEBUG: credentials"},
		"a secret that nobody expects":        {strings.Replace(shop(""), "    restart:", "    secrets: [token]\n    restart:", 1) + "secrets: {token: {environment: OTHER_KEY}}\n", "refused: allowed_env:OTHER_KEY: ALLOWED_ENVS does not have it"},
		"a receipt where the workload looks":  {shop("      GIT_LAUNCHER_RECEIPT: /var/lib/git-launcher/workload/package.json\n"), "open: launcher:env:GIT_LAUNCHER_RECEIPT: replace a file"},

		// The launcher's own service.
		"another mode":                       {shop("    command: [image]\n"), "refused: launcher:command: another command"},
		"a platform with one dash":           {shop("    command: [-platform=nontee]\n"), "refused: launcher:command: not measured"},
		"a platform behind a flag's value":   {shop("    command: [--retries, \"3\", --platform, nontee]\n"), "refused: launcher:command: not measured"},
		"another config behind two dashes":   {shop("    command: [\"--\", /data/x.conf]\n"), "refused: launcher:command: another config"},
		"a config that is not the last word": {shop("    command: [/etc/git-launcher/config.conf, --platform=nontee]\n"), "refused: launcher:command: another config"},
		"a flag that image mode has":         {shop("    command: [--approved, none]\n"), "refused: launcher:command: another file decides"},
		"a measure that is none":             {shop("      GIT_LAUNCHER_MEASURE: none\n"), "refused: launcher:env:GIT_LAUNCHER_MEASURE: does not take it"},
		"a receipt elsewhere, by a flag":     {shop("    command: [--receipt, /var/lib/git-launcher/workload/package.json]\n"), "open: launcher:command: replace a file: nobody expects it"},
		"two of them":                        {shop("    deploy: {replicas: 2}\n"), "refused: launcher:deploy: deploy.replicas"},
		"a device in its reservations":       {shop("    deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}\n"), "refused: launcher:deploy: reservations.devices"},
		"a build in its pull policy":         {shop("    pull_policy: build\n"), "refused: launcher:pull_policy: not measured"},
		"system calls answered elsewhere":    {strings.Replace(shop(""), "no-new-privileges:true", "seccomp:./data/profile.json", 1), "refused: launcher:security_opt: confinement"},
		"an option that only looks harmless": {strings.Replace(shop(""), "no-new-privileges:true", "no-new-privileges:true,seccomp=unconfined", 1), "refused: launcher:security_opt: confinement"},
		"a twin with the launcher's image":   {shop("", "  twin: {image: example.org/git-launcher@"+digest+"}"), "no service: several services"},
		"a launcher of another digest":       {strings.Replace(shop(""), digest, digest[:70]+"b", 1), "no service: no service runs"},
		"a file brought in":                  {"include: [./other.yaml]\n" + shop(""), "refused: include: not measured"},
		"a part that nobody knows":           {"newthing: {a: b}\n" + shop(""), "error: newthing"},
	} {
		t.Run(name, func(t *testing.T) {
			state, want, _ := strings.Cut(tc.want, ": ")
			words := strings.Split(want, ": ")
			got := forge(t, tc.file, nil, compose.Expect{})
			if !slices.ContainsFunc(got, func(r string) bool {
				return strings.HasPrefix(r, state+": ") && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(r, w) })
			}) {
				t.Errorf("said is %q, want %q", got, tc.want)
			}
		})
	}
	if got := forge(t, shop("      API_KEY: ${API_KEY}\n"), nil, compose.Expect{}); len(got) > 0 {
		t.Errorf("the honest form is refused: %q", got)
	}
	elsewhere := shop("    command: [--receipt, /var/lib/git-launcher/workload/package.json]\n")
	if got := forge(t, elsewhere, nil, compose.Expect{DockerComposeSHA256: []string{sum(elsewhere)}}); len(got) > 0 {
		t.Errorf("a receipt elsewhere, in a file that is expected, is refused: %q", got)
	}
}

// TestImageForgeries: what image mode's launcher may not have.
func TestImageForgeries(t *testing.T) {
	with := func(env string) string {
		return strings.Replace(mpc(""), "DOCKER_CONTENT_TRUST=1", "DOCKER_CONTENT_TRUST=1, "+env, 1)
	}
	for name, tc := range map[string]struct{ file, want string }{
		"another Engine":                {with("\"DOCKER_HOST=tcp://192.0.2.1:2375\""), "refused: launcher:env:DOCKER_HOST: heeds it"},
		"another Docker config":         {with("DOCKER_CONFIG=/mnt/shared"), "refused: launcher:env:DOCKER_CONFIG: heeds it"},
		"authorities in a volume":       {with("SSL_CERT_FILE=/mnt/shared/ca.pem"), "refused: launcher:env:SSL_CERT_FILE: heeds it"},
		"a digest by the deployer":      {strings.Replace(mpc(""), "DEFAULT_IMAGE_DIGEST="+digest, "\"DEFAULT_IMAGE_DIGEST=${DEFAULT_IMAGE_DIGEST}\"", 1), "refused: launcher:env:DEFAULT_IMAGE_DIGEST: can change what runs"},
		"another platform's image":      {with("TARGET_PLATFORM=linux/arm64"), "open: launcher:env:TARGET_PLATFORM: nobody expects it"},
		"a config of git mode":          {with("\"GIT_LAUNCHER_CONFIG=REPO_URL=x\""), "refused: launcher:env:GIT_LAUNCHER_CONFIG: no such config"},
		"another list of images":        {mpc("    command: [--approved, /mnt/shared/mine]\n"), "refused: launcher:command: another file decides"},
		"another list, said second":     {mpc("    command: [--approved, none, --approved, file]\n"), "refused: launcher:command: another file decides"},
		"another user config":           {mpc("    command: [--user-config, /mnt/shared/x]\n"), "refused: launcher:command: not known to be harmless"},
		"another word":                  {mpc("    command: [resolve]\n"), "refused: launcher:command: another command"},
		"the system's folder, to write": {strings.Replace(mpc(""), "/tapp:/tapp:ro", "/tapp:/tapp", 1), "refused: launcher:volumes: not measured"},
		"the socket at another place":   {strings.Replace(mpc(""), "/var/run/docker.sock:/var/run/docker.sock", "/var/run/docker.sock:/mnt/shared/docker.sock", 1), "refused: launcher:volumes: not measured"},
		"a reader of the node's keys":   {mpc("") + "  mpc-data: {name: mpc-data}\n", ""},
		"a spy on the node's keys":      {strings.Replace(mpc(""), "volumes:\n  shared", "  spy: {image: x, volumes: [\"keys:/x:ro\"]}\nvolumes:\n  keys: {external: true, name: mpc-data}\n  shared", 1), "refused: service:spy: node's keys"},
	} {
		t.Run(name, func(t *testing.T) {
			state, want, _ := strings.Cut(tc.want, ": ")
			words := strings.Split(want, ": ")
			got := forge(t, tc.file, nil, compose.Expect{Image: true})
			if tc.want == "" && len(got) > 0 || tc.want != "" && !slices.ContainsFunc(got, func(r string) bool {
				return strings.HasPrefix(r, state+": ") && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(r, w) })
			}) {
				t.Errorf("said is %q, want %q", got, tc.want)
			}
		})
	}
}

// TestAppForgeries: what an app-compose hides outside of its compose file.
// SECURITY.md: E5, P3, P5.
func TestAppForgeries(t *testing.T) {
	gpu := func(policy map[string]any) map[string]any {
		return map[string]any{"requirements": map[string]any{"gpu_policy": policy}}
	}
	for name, tc := range map[string]struct {
		app    map[string]any
		expect compose.Expect
		want   string
	}{
		"an image over any path":    {app: map[string]any{"verity_volumes": []any{map[string]any{"source": "x.img", "verity_root": "00", "target": "/usr/bin"}}}, want: "refused: verity_volumes: over a path"},
		"a field of a later dstack": {app: map[string]any{"new_field": 1}, want: "refused: new_field: does not know"},
		"a script":                  {app: map[string]any{"pre_launch_script": "x"}, want: "refused: pre_launch_script: root"},
		"a script that is a list, which jq writes and bash runs": {app: map[string]any{"pre_launch_script": []string{"$(evil)"}}, want: "error: app-compose"},
		"one script among several":                               {app: map[string]any{"init_script": []string{"", "evil"}}, want: "refused: init_script: root"},
		"an init script that is an object":                       {app: map[string]any{"init_script": map[string]any{"a": "$(evil)"}}, want: "error: init_script"},
		"another runner":                                         {app: map[string]any{"runner": "nerdctl-compose"}, want: "refused: runner: another way"},
		"a runner in another case":                               {app: map[string]any{"runner": "Docker-Compose"}, want: "refused: runner: another way"},
		"a manifest that only later dstacks read":                {app: map[string]any{"manifest_version": "4"}, want: "refused: manifest_version: versions 1 to 3"},
		"a log of another version":                               {app: map[string]any{"event_log_version": 3}, want: "refused: event_log_version: versions 1 and 2"},
		"a GPU under debug":                                      {app: gpu(map[string]any{"allow_debug": true}), want: "refused: requirements: GPU"},
		"a GPU that nobody attests":                              {app: gpu(map[string]any{"attest_gpu": false}), want: "refused: requirements: GPU"},
		"a GPU policy that nobody knows":                         {app: gpu(map[string]any{"allow_all": true}), want: "refused: requirements: does not know"},
		"a requirement that nobody knows":                        {app: map[string]any{"requirements": map[string]any{"new": true}}, want: "refused: requirements: does not know"},
		"Compose's own file by variable":                         {app: map[string]any{"allowed_envs": []string{"COMPOSE_FILE"}}, want: "refused: allowed_env:COMPOSE_FILE: can change"},
		"dstack's own file by variable":                          {app: map[string]any{"allowed_envs": []string{"app_compose_file"}}, want: "refused: allowed_env:app_compose_file: can change"},
		"a trace of tokens by variable":                          {app: map[string]any{"allowed_envs": []string{"GoDebug"}}, want: "refused: allowed_env:GoDebug: secrets"},
		"another namespace by variable":                          {app: map[string]any{"allowed_envs": []string{"NERDCTL_NAMESPACE"}}, want: "refused: allowed_env:NERDCTL_NAMESPACE: can change"},
		"another containerd by variable":                         {app: map[string]any{"allowed_envs": []string{"CONTAINERD_ADDRESS"}}, want: "refused: allowed_env:CONTAINERD_ADDRESS: can change"},
		"root's password by variable":                            {app: map[string]any{"allowed_envs": []string{"DSTACK_ROOT_PASSWORD"}}, want: "refused: allowed_env:DSTACK_ROOT_PASSWORD: can change"},
		"root's key by variable":                                 {app: map[string]any{"allowed_envs": []string{"dstack_root_public_key"}}, want: "refused: allowed_env:dstack_root_public_key: can change"},
		"root's keys by variable":                                {app: map[string]any{"allowed_envs": []string{"DSTACK_AUTHORIZED_KEYS"}}, want: "refused: allowed_env:DSTACK_AUTHORIZED_KEYS: can change"},
		"a name that is two":                                     {app: map[string]any{"allowed_envs": []string{"A=1 B"}}, want: "refused: allowed_env:A=1 B: can change"},
		"a published script on a system that nobody knows":       {app: map[string]any{"pre_launch_script": script}, want: "open: pre_launch_script: production image"},
		"a published script on a development image":              {app: map[string]any{"pre_launch_script": script}, expect: compose.Expect{System: compose.Development, Allow: []string{"pre_launch_script@sha256:" + sum(script)}}, want: "refused: pre_launch_script: development image"},
		"a published script that the deployer steers":            {app: map[string]any{"pre_launch_script": script, "allowed_envs": []string{"DSTACK_AWS_ECR_REGISTRY"}}, expect: compose.Expect{System: compose.Production}, want: "refused: pre_launch_script: deployer says"},
		"a published script with a byte more":                    {app: map[string]any{"pre_launch_script": script + "#"}, expect: compose.Expect{System: compose.Production}, want: "refused: pre_launch_script: root"},
		"a script by its name, with the compose file's hash":     {app: map[string]any{"pre_launch_script": "x"}, expect: compose.Expect{Allow: []string{"pre_launch_script"}, DockerComposeSHA256: []string{sum(shop(""))}}, want: "open: pre_launch_script: whatever it is"},
		"another script than the one that was accepted":          {app: map[string]any{"pre_launch_script": "evil"}, expect: compose.Expect{Allow: []string{"pre_launch_script@sha256:" + sum("x")}}, want: "refused: pre_launch_script: another content"},
		"a field by its name, with the compose file's hash":      {app: map[string]any{"new_field": 1}, expect: compose.Expect{Allow: []string{"new_field"}, DockerComposeSHA256: []string{sum(shop(""))}}, want: "open: new_field: whatever it is"},
	} {
		t.Run(name, func(t *testing.T) {
			state, want, _ := strings.Cut(tc.want, ": ")
			words := strings.Split(want, ": ")
			got := forge(t, shop(""), tc.app, tc.expect)
			if !slices.ContainsFunc(got, func(r string) bool {
				return strings.HasPrefix(r, state+": ") && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(r, w) })
			}) {
				t.Errorf("said is %q, want %q", got, tc.want)
			}
		})
	}
	for name, doc := range map[string]string{
		"a key twice": `{"runner":"docker-compose","runner":"bash","docker_compose_file":"x"}`, "a key in another case": `{"runner":"docker-compose","Runner":"bash","docker_compose_file":"x"}`,
		"a key by folding": "{\"runner\":\"docker-compose\",\"bash_\u017fcript\":\"evil\",\"docker_compose_file\":\"x\"}", "half a pair": `{"runner":"docker-compose","docker_compose_file":"\ud800"}`,
		"something behind it": `{"runner":"docker-compose","docker_compose_file":"x"}{}`, "null": `null`, "a list": `[]`,
	} {
		if got := forgeBytes(t, []byte(doc), compose.Expect{}); len(got) != 1 || !strings.HasPrefix(got[0], "error: app-compose") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestLimits: more than any app-compose has is refused, and as much as it may have is not.
func TestLimits(t *testing.T) {
	names := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("A%d", i))
		}
		return out
	}
	fields := func(n int) map[string]any {
		app := map[string]any{}
		for _, name := range names(n) {
			app[name] = 1
		}
		return app
	}
	for name, tc := range map[string]struct {
		app  map[string]any
		want string
	}{
		"fields":       {fields(253), "more than 256 fields"},
		"variables":    {map[string]any{"allowed_envs": names(1025)}, "more than 1024 allowed_envs"},
		"init scripts": {map[string]any{"init_script": names(6)}, "more than 5 init scripts"},
	} {
		if got := forge(t, shop(""), tc.app, compose.Expect{}); len(got) != 1 || !strings.HasPrefix(got[0], "error: ") || !strings.Contains(got[0], tc.want) {
			t.Errorf("%s: %.300q", name, got)
		}
	}
	for name, app := range map[string]map[string]any{"fields": fields(252), "variables": {"allowed_envs": names(1024)}, "init scripts": {"init_script": names(5)}} {
		if got := forge(t, shop(""), app, compose.Expect{}); len(got) == 0 || strings.HasPrefix(got[0], "error: ") {
			t.Errorf("%s: %.300q", name, got)
		}
	}
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// TestExchanged: an exception that was bound accepts nothing else under its name, not
// even where the change is in a definition that the service refers to.
// SECURITY.md: P2, P3.
func TestExchanged(t *testing.T) {
	const honest = "  ingress:\n    image: ingress@sha256:1\n    volumes: [\"/var/run/dstack.sock:/x\", \"certs:/c\"]\n    configs: [routes]\n    secrets: [key]\n    networks: [front]\n    environment: {A: \"${API_KEY}\"}"
	const rest = "configs: {routes: {content: a}}\nsecrets: {key: {environment: API_KEY}}\nnetworks: {front: }\nvolumes:\n  certs: {name: certs}"
	file := shop("", honest, rest)
	r := judge(t, file, nil, compose.Expect{EnvsGiven: true, Envs: []string{"API_KEY"}})
	if len(r.Problems) != 1 || r.Problems[0].Name != "service:ingress" {
		t.Fatalf("%+v", r.Problems)
	}
	allow := compose.Expect{Allow: []string{r.Problems[0].Accept}}
	if got := forge(t, file, nil, allow); len(got) > 0 {
		t.Errorf("what was accepted is refused: %q", got)
	}
	for _, change := range [][2]string{
		{"ingress@sha256:1", "evil@sha256:2"}, {"content: a", "content: evil"}, {"environment: API_KEY", "file: /run/docker.sock"}, {"front: }", "front: {external: true, name: host}}"},
		{"{name: certs}", "{driver_opts: {type: none, o: bind, device: /}}"}, {"networks: [front]", "privileged: true"}, {"${API_KEY}", "${OTHER}"},
	} {
		got := forge(t, strings.Replace(file, change[0], change[1], 1), nil, allow)
		if !slices.ContainsFunc(got, func(r string) bool {
			return strings.HasPrefix(r, "refused: service:ingress: ") && strings.Contains(r, "another content")
		}) {
			t.Errorf("%s for %s: %q", change[1], change[0], got)
		}
	}
	// A hash does not cover the values of variables.
	r = judge(t, file, nil, compose.Expect{Allow: allow.Allow})
	if got := denied(r); !slices.Equal(got, []string{"allowed_env:API_KEY"}) || !r.Problems[len(r.Problems)-1].Open {
		t.Errorf("left are %q", got)
	}
	for _, tc := range []struct{ lines, rest, want string }{
		{"environment: [OTHER, A=b]", "", "OTHER"}, {"environment: {OTHER: , A: b}", "", "OTHER"}, {"build: {context: ., args: [OTHER]}", "", "OTHER"}, {"command: \"$OTHER\"", "", "OTHER"},
		{"secrets: [s]", "secrets: {s: {environment: OTHER}}", "OTHER"}, {"configs: [s]", "configs: {s: {environment: OTHER}}", "OTHER"}, {"env_file: .env", "", "API_KEY"}, {"labels: {environment: A}", "", ""},
	} {
		file := shop("", "  ingress: {image: x, privileged: true, "+tc.lines+"}", tc.rest)
		r := judge(t, file, map[string]any{"allowed_envs": []string{"API_KEY"}}, compose.Expect{Allow: []string{"service:ingress"}, DockerComposeSHA256: []string{sum(file)}})
		want := []string{"allowed_env:" + tc.want}
		if tc.want == "" {
			want = nil
		}
		if got := denied(r); !slices.Equal(got, want) {
			t.Errorf("%s: left are %q, want %q", tc.lines, got, want)
		}
	}
	// What does not belong to the service may change.
	if got := forge(t, strings.Replace(file, "shop.git", "other.git", 1), nil, allow); len(got) > 0 {
		t.Errorf("a change elsewhere: %q", got)
	}
}

// TestTwin: which of two services is the launcher's is not decided by a bare name.
// SECURITY.md: P3.
func TestTwin(t *testing.T) {
	file := shop("", "  twin: {image: example.org/git-launcher@"+digest+"}")
	if got := forge(t, file, nil, compose.Expect{Allow: []string{"service:app"}}); !slices.ContainsFunc(got, func(r string) bool { return strings.HasPrefix(r, "open: service:app: ") }) {
		t.Errorf("said is %q", got)
	}
	r := judge(t, file, nil, compose.Expect{Allow: []string{"service:twin"}, DockerComposeSHA256: []string{sum(file)}})
	if r.Service != "app" || len(denied(r)) > 0 || !slices.Equal(r.Accepted, []string{r.Problems[0].Accept}) {
		t.Errorf("service %q, %+v, accepted %q", r.Service, r.Problems, r.Accepted)
	}
}

// TestPinned: what keeps a compose from pinning the launch.
// SECURITY.md: P1.
func TestPinned(t *testing.T) {
	judged := func(file string, image bool) *compose.Result {
		expect := compose.Expect{DockerComposeSHA256: []string{sum(file)}, Image: image}
		for _, name := range strings.Fields("writable entrypoint command configs volumes secrets image dns") {
			expect.Allow = append(expect.Allow, "launcher:"+name)
		}
		return judge(t, file, nil, expect)
	}
	inline := strings.Replace(shop(""), "      GIT_LAUNCHER_CONFIG: |\n        REPO_URL=https://example.org/shop.git\n        COMMIT_SHA=0123456789abcdef0123456789abcdef01234567\n", "    configs: [{source: c, target: /etc/git-launcher/config.conf}]\n", 1) + "configs: {c: {content: x}}\n"
	for name, tc := range map[string]struct {
		file  string
		image bool
		want  string
	}{
		"writable":             {strings.Replace(shop(""), "    read_only: true\n", "", 1), false, "not read-only"},
		"an exception":         {shop("    dns: 1.2.3.4\n"), false, "launcher:dns"},
		"its entry point":      {shop("    entrypoint: [sh]\n"), false, "launcher:entrypoint"},
		"its config elsewhere": {inline, false, "by configs"},
		"no config":            {strings.Replace(inline, "    configs: [{source: c, target: /etc/git-launcher/config.conf}]\n", "", 1), false, "not in the compose"},
		"a record":             {shop("    command: [--measure, record]\n"), false, "--measure record"},
		"a list of images":     {mpc(""), true, "--approved none"},
		"no image":             {strings.Replace(mpc("    command: --approved none\n"), ", DEFAULT_IMAGE_DIGEST="+digest, "", 1), true, "DEFAULT_IMAGE_DIGEST"},
		"a refusal":            {shop("    privileged: true\n"), false, "not accepted"},
	} {
		if r := judged(tc.file, tc.image); r.Pinned || !slices.ContainsFunc(r.Unpinned, func(why string) bool { return strings.Contains(why, tc.want) }) {
			t.Errorf("%s: pinned %v, %q", name, r.Pinned, r.Unpinned)
		}
	}
	for env, want := range map[string]bool{"LANG: C": true, "LANG: C\n      PERL5OPT: x": true, "LANG: C\n      GODEBUG: x": false} { // what lines of the policy settle, and what none does
		if r := judge(t, shop("      "+env+"\n"), nil, compose.Expect{}); r.Pinned || r.PinOpen != want {
			t.Errorf("%s: pinned %v, open %v", env, r.Pinned, r.PinOpen)
		}
	}
	for name, file := range map[string]string{"as recommended": shop(""), "said so": shop("    command: [run, --measure=pinned]\n"), "said so in a variable": shop("      GIT_LAUNCHER_MEASURE: auto\n")} {
		if r := judged(file, false); !r.Pinned || !r.ConfigFromEnv || !strings.HasPrefix(string(r.Config), "REPO_URL=") {
			t.Errorf("%s: %q, config %q", name, r.Unpinned, r.Config)
		}
	}
	if r := judged(mpc("    command: [--approved, none]\n"), true); !r.Pinned || r.DefaultImageDigest != digest {
		t.Errorf("image mode: %q, %q", r.Unpinned, r.DefaultImageDigest)
	}
}

// TestExplain: the content of an exception, and the error if there is none.
func TestExplain(t *testing.T) {
	data, err := json.Marshal(map[string]any{"runner": "docker-compose", "docker_compose_file": shop("", stranger), "pre_launch_script": "x\ny\n"})
	if err != nil {
		t.Fatal(err)
	}
	explain := func(name string) (exception.Exception, error) {
		return compose.Explain(t.Context(), data, compose.Expect{LauncherDigests: []string{digest}}, name)
	}
	for name, want := range map[string]string{"pre_launch_script": "x\ny\n", "service:evil": "{\n  \"configs\": {},", "service:evil@sha256:00": "{\n  \"configs\": {},"} {
		e, err := explain(name)
		if err != nil || !strings.HasPrefix(e.String(), want) || e.Bound() != e.Name+"@sha256:"+sum(string(e.Content)) {
			t.Errorf("%s is %q, %v", name, e, err)
		}
	}
	if _, err := explain("service:other"); err == nil || !strings.Contains(err.Error(), "service:evil") {
		t.Errorf("an exception that is not needed: %v", err)
	}
	data, _ = json.Marshal(map[string]any{"runner": "docker-compose", "docker_compose_file": shop("")})
	if _, err := explain("service:other"); err == nil || err.Error() != "the compose file has no such service; it has app" {
		t.Errorf("a service that is not there: %v", err)
	}
	if _, err := explain("service:app"); err == nil || err.Error() != "the app-compose needs no exception of that name" {
		t.Errorf("an app-compose without any: %v", err)
	}
}
