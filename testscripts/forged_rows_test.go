package testscripts

import (
	"encoding/json"
	"strings"
	"testing"

	"gitlauncher/internal/sim"
	"gitlauncher/internal/sim/tdx"
	"gitlauncher/measure"
)

const forgedLauncher = "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"

// forged is one forgery: what differs from the honest deployment. If nothing differs,
// it is the honest one.
type forged struct {
	name      string
	change    []string            // in the compose file: old, new, old, new…
	app       map[string]any      // fields of the app-compose
	text      func(string) string // the app-compose's bytes
	sim       sim.Options
	emit      []measure.Event                         // by somebody else with the socket, after the launch (0.5)
	hand      func(*testing.T, *deployment, *machine) // changes the evidence
	args      func(*machine) []string                 // to the verifier, instead of the two answers
	policy    []string                                // lines beside the honest deployment's
	now, then []string                                // lines of a policy for this verifier, and for the first round's alone
	without   []string                                // keys of the policy that are left out
	said      string                                  // by this verifier: "finding: words"; "" is VERIFIED
}

// kind is several forgeries of one kind.
type kind struct {
	name string
	of   []forged
}

const problems = "nothing else has the keys: "

// another returns a change that adds a service beside the launcher's, or a top-level
// part of the file.
func another(lines string) []string { return []string{"  db:\n", lines + "\n  db:\n"} }

// variable returns a change that adds a variable to the launcher's service.
func variable(lines string) []string {
	return []string{"      API_KEY: ${API_KEY}\n", "      API_KEY: ${API_KEY}\n      " + lines + "\n"}
}

// own returns a change that adds a key to the launcher's service.
func own(lines string) []string {
	return []string{"    restart: on-failure\n", "    restart: on-failure\n    " + lines + "\n"}
}

func forgeries() []kind {
	return []kind{
		{"The honest deployment, with a database and an API key", []forged{{name: "nothing is forged"}}},
		{"State that outlives a boot", earlierBoots()},
		{"One file, two readings", readings()},
		{"Whose folder is it", folders()},
		{"Who holds the keys", holders()},
		{"What the deployer chooses", chosen()},
		{"An exception for another content", exceptions()},
		{"The app-compose", appFields()},
		{"The launcher's own service", launchers()},
		{"Another service", others()},
		{"The evidence", handed()},
	}
}

func earlierBoots() []forged {
	return []forged{
		{name: "a launcher's container that an earlier run changed, and dstack kept", change: []string{"    read_only: true\n", ""}, said: problems + "across reboots"},
		{name: "the same, with `read_only: false`", change: []string{"read_only: true", "read_only: false"}, said: problems + "across reboots"},
		{name: "the same, with a `read_only` that YAML 1.1 alone takes for true", change: []string{"read_only: true", "read_only: yes"}, said: problems + "not true"},
		{name: "containers of an earlier compose on a disk that is kept", sim: kms, now: []string{keyProvider}, said: "disk: earlier composes"},
		{name: "a volume over programs", change: []string{"workload:/var/lib/git-launcher", "workload:/usr/local/bin"}, said: problems + "hides files"},
		{name: "a volume over root's home", change: []string{"workload:/var/lib/git-launcher", "workload:/root"}, said: problems + "hides files"},
		{name: "a volume over the package database", change: []string{"workload:/var/lib/git-launcher", "workload:/var/lib/dpkg/info"}, said: problems + "hides files"},
		{name: "a volume that is the home of the image's user", change: append(own("user: www-data"), "      - workload:/var/lib/git-launcher", "      - workload:/var/lib/git-launcher\n      - home:/var/www", "volumes:\n  db:", "volumes:\n  home:\n  db:"), said: problems + "home"},
		{name: "a volume that a variable makes the home", change: append(variable("HOME: /home/x"), "      - workload:/var/lib/git-launcher", "      - workload:/var/lib/git-launcher\n      - home:/home/x", "volumes:\n  db:", "volumes:\n  home:\n  db:"), said: problems + "home"},
		{name: "a writable volume of the launcher's in another service", change: another("  evil: {image: evil, volumes: [\"workload:/x\"]}"), said: problems + "its files decide"},
		{name: "a volume that another image fills", change: append(another("  evil: {image: evil, volumes: [\"tools:/x:ro\"]}"), "      - workload:/var/lib/git-launcher", "      - workload:/var/lib/git-launcher\n      - tools:/data/bin", "volumes:\n  db:", "volumes:\n  tools:\n  db:"), said: problems + "nocopy"},
	}
}

// kms is a VM with a key provider, and the line that expects it.
var kms = sim.Options{KeyProvider: sim.KeyProvider{Name: "kms", ID: "00ff"}}

const keyProvider = "KEY_PROVIDER=kms:00ff"

const evil = "x-evil: &evil {privileged: true, volumes: ['/:/host']}\nservices:\n"

func readings() []forged {
	merged := func(key string) []string {
		return append([]string{"services:\n", evil}, another("  evil:\n    image: evil\n    "+key+": *evil")...)
	}
	const differs = "compose file: "
	return []forged{
		{name: "a merge by a tag on an ordinary key, which replaces another", change: append([]string{"services:\n", evil}, another("  evil:\n    image: evil\n    <<: *evil\n    !!merge x-k: {init: true}")...), said: differs + "tag"},
		{name: "a merge by a quoted `<<`", change: merged("\"<<\""), said: differs + "<<"},
		{name: "a merge with a lone `!`", change: merged("! <<"), said: differs + "tag"},
		{name: "a key that is an alias", change: append([]string{"services:\n", "x-k: &k privileged\nservices:\n"}, another("  evil:\n    image: evil\n    *k : true")...), said: differs + "alias"},
		{name: "one key in two spellings", change: another("  evil:\n    image: evil\n    privileged: false\n    \"\\x70rivileged\": true"), said: differs + "has"},
		{name: "a value that a tag takes away", change: another("  evil:\n    image: evil\n    privileged: !reset true"), said: differs + "tag"},
		{name: "a binary value", change: another("  evil:\n    image: evil\n    network_mode: !!binary aG9zdA=="), said: differs + "tag"},
		{name: "a second document", change: []string{"volumes:\n  db:", "---\nservices:\n  evil: {image: evil, privileged: true}\n---\nvolumes:\n  db:"}, said: differs + "second document"},
		{name: "a document that ends early", change: []string{"volumes:\n  db:", "...\nvolumes:\n  db:"}, said: differs + "after its end"},
		{name: "a directive", change: []string{"services:\n", "%YAML 1.1\n---\nservices:\n"}, said: differs + "directive"},
		{name: "a byte-order mark", change: []string{"services:\n", "\ufeffservices:\n"}, said: differs + "U+FEFF"},
		{name: "a line break that YAML 1.1 alone has (NEL)", change: another("  evil: {image: evil} # \u0085    privileged: true"), said: differs + "U+0085"},
		{name: "a line separator (LS)", change: another("  evil: {image: evil} # \u2028    privileged: true"), said: differs + "U+2028"},
		{name: "a carriage return alone", change: another("  evil:\n    image: evil\n    # \r    privileged: true"), said: differs + "U+000D"},
		{name: "an anchor whose name ends elsewhere", change: another("  evil: &a?b {image: evil}"), said: differs + "older versions"},
		{name: "a truth value of YAML 1.1", change: another("  evil: {image: evil, privileged: yes}"), said: problems + "root in the VM"},
		{name: "a service whose name is a number", change: another("  1: {image: evil}"), said: differs + "not a string"},
		{name: "a key of more than 1,024 characters", change: another("  evil:\n    image: evil\n    \"" + strings.Repeat("x", 1100) + "\": true"), said: differs + "older versions"},
		{name: "an app-compose with a key twice", text: func(s string) string { return strings.Replace(s, `"runner":`, `"runner":"bash","runner":`, 1) }, said: differs + "twice"},
		{name: "an app-compose with a key in another case", text: func(s string) string { return strings.Replace(s, `"runner":`, `"Runner":"bash","runner":`, 1) }, said: differs + "JSON"},
		{name: "an app-compose with half a surrogate pair", text: func(s string) string { return strings.Replace(s, `"name":"shop"`, `"name":"\ud800"`, 1) }, said: differs + "JSON"},
	}
}

func folders() []forged {
	mount := func(source string) []string {
		return another("  evil: {image: evil, volumes: [\"" + source + ":/x\"]}")
	}
	return []forged{
		{name: "the data disk, as `./persistent`", change: mount("./persistent"), said: problems + "data disk"},
		{name: "the data disk, as `/tapp/persistent`", change: mount("/tapp/persistent"), said: problems + "data disk"},
		{name: "the data disk, around a corner", change: mount("./data/../persistent"), said: problems + "data disk"},
		{name: "the data disk, by its real name", change: mount("/var/volatile/dstack/persistent"), said: problems + "data disk"},
		{name: "the data disk, as a volume's device", change: append(another("  evil: {image: evil, volumes: [\"disk:/x\"]}"), "volumes:\n  db:", "volumes:\n  disk: {driver_opts: {type: none, o: bind, device: ./persistent}}\n  db:"), said: problems + "data disk"},
		{name: "the data disk, as a file system of its own", change: append(another("  evil: {image: evil, volumes: [\"disk:/x\"]}"), "volumes:\n  db:", "volumes:\n  disk: {driver_opts: {type: ext4, device: /dev/vdb}}\n  db:"), said: problems + "file system"},
		{name: "the guest agent's config", change: mount("./agent.json"), said: problems + "guest agent"},
		{name: "the application's keys", change: mount("./.host-shared"), said: problems + "keys"},
		{name: "the compose file of the next start", change: mount("./docker-compose.yaml"), said: problems + "next start"},
		{name: "dstack's folder", change: mount("."), said: problems + "dstack's own"},
		{name: "a secret from the folder above", change: append(another("  evil: {image: evil, secrets: [s]}"), "volumes:\n  db:", "secrets: {s: {file: ..}}\nvolumes:\n  db:"), said: problems + "folders"},
		{name: "a config file of the system", change: append(another("  evil: {image: evil, configs: [s]}"), "volumes:\n  db:", "configs: {s: {file: ./.host-shared/.sys-config.json}}\nvolumes:\n  db:"), said: problems + "keys"},
		{name: "a file behind a folder in which another service can put a link", change: another("  evil: {image: evil, volumes: [\"./data:/x\"]}\n  more: {image: evil, volumes: [\"./data/link:/x\"]}"), said: problems + "link"},
		{name: "an env_file of the system", change: another("  evil: {image: evil, env_file: /dstack/.host-shared/.decrypted-env}"), said: problems + "keys"},
		{name: "the VM's root, by a tilde", change: mount("~/../"), said: problems + "folders that the system leaves"},
	}
}

func holders() []forged {
	return []forged{
		{name: "a KMS that nobody judged", sim: kms, now: []string{"PERSISTENT_DISK=accepted"}, said: "key provider: no KEY_PROVIDER"},
		{name: "another KMS than the expected", sim: kms, now: []string{"PERSISTENT_DISK=accepted", "KEY_PROVIDER=kms:00fe"}, said: "key provider: somebody else"},
		{name: "an SGX key provider that nobody judged", sim: sim.Options{KeyProvider: sim.KeyProvider{Name: "local-sgx"}}, now: []string{"PERSISTENT_DISK=accepted"}, said: "key provider: no KEY_PROVIDER"},
		{name: "a TPM", sim: sim.Options{KeyProvider: sim.KeyProvider{Name: "tpm"}}, now: []string{"PERSISTENT_DISK=accepted"}, said: "key provider: no KEY_PROVIDER"},
	}
}

func chosen() []forged {
	return []forged{
		{name: "code in a literal variable (`PERL5OPT`)", change: variable("PERL5OPT: -MEvil"), said: problems + "nobody expects it"},
		{name: "a path in a literal variable", change: variable("PATH: /var/lib/git-launcher/bin"), said: problems + "nobody expects it"},
		{name: "authorities in a literal variable", change: variable("SSL_CERT_FILE: /var/lib/git-launcher/ca.pem"), said: problems + "nobody expects it"},
		{name: "code in a variable of another name", change: variable("NODE_OPTIONS: ${API_KEY}"), said: problems + "own name alone"},
		{name: "a variable with a default", change: []string{"${API_KEY}", "${API_KEY:-x}"}, said: problems + "own name alone"},
		{name: "a variable that the policy does not know", app: map[string]any{"allowed_envs": []string{"API_KEY", "OTHER"}}, change: variable("OTHER: ${OTHER}"), said: problems + "ALLOWED_ENVS"},
		{name: "`BASH_ENV`, which the config lets through", change: append(variable("BASH_ENV: /var/lib/git-launcher/x"), "        COMMIT_SHA=", "        ALLOW_ENV=BASH_ENV\n        COMMIT_SHA="), without: []string{"CONFIG_SHA256"}, said: "config's further settings: ALLOW_ENV"},
		{name: "a config that is filled in", change: []string{"        COMMIT_SHA=", "        REPO_SUBDIR=${API_KEY}\n        COMMIT_SHA="}, without: []string{"CONFIG_SHA256"}, said: problems + "filled in"},
		{name: "a trace that prints tokens (`GODEBUG`)", change: variable("GODEBUG: http2debug=2"), said: problems + "credentials"},
		{name: "root's password (`DSTACK_ROOT_PASSWORD`)", app: map[string]any{"allowed_envs": []string{"API_KEY", "DSTACK_ROOT_PASSWORD"}}, without: []string{"ALLOWED_ENVS"}, policy: []string{"ALLOWED_ENVS=API_KEY,DSTACK_ROOT_PASSWORD"}, said: problems + "can change"},
		{name: "dstack's own file (`APP_COMPOSE_FILE`)", app: map[string]any{"allowed_envs": []string{"API_KEY", "app_compose_file"}}, without: []string{"ALLOWED_ENVS"}, policy: []string{"ALLOWED_ENVS=API_KEY,app_compose_file"}, said: problems + "can change"},
		{name: "Compose's own file (`COMPOSE_FILE`)", app: map[string]any{"allowed_envs": []string{"API_KEY", "COMPOSE_FILE"}}, without: []string{"ALLOWED_ENVS"}, policy: []string{"ALLOWED_ENVS=API_KEY,COMPOSE_FILE"}, said: problems + "can change"},
		{name: "a receipt where the workload looks for a program", change: variable("GIT_LAUNCHER_RECEIPT: /var/lib/git-launcher/package.json"), said: problems + "replace a file"},
		{name: "an interpolated right", change: another("  evil: {image: evil, privileged: \"${API_KEY}\"}"), said: problems + "${…}"},
	}
}

func exceptions() []forged {
	const named = "ALLOW_COMPOSE=service:ingress"
	ingress := another("  ingress: {image: evil, privileged: true}")
	// say returns a forgery with a service that the policy accepts, and that runs what
	// a variable says. The policy does not know the variable.
	say := func(name, lines string, more ...string) forged {
		change := append(another("  ingress: {image: i, privileged: true, "+lines+"}"), "      API_KEY: ${API_KEY}\n", "")
		return forged{
			name: name, change: append(change, more...), app: map[string]any{"allowed_envs": []string{"CMD"}},
			without: []string{"ALLOWED_ENVS"}, policy: []string{named}, now: []string{itsHash}, said: problems + "has a say",
		}
	}
	return []forged{
		{name: "a stranger under the name of an accepted service", change: ingress, policy: []string{named}, said: problems + "whatever it is"},
		{name: "a script under an accepted name", app: map[string]any{"pre_launch_script": "evil"}, policy: []string{"ALLOW_COMPOSE=pre_launch_script"}, said: problems + "whatever it is"},
		{name: "a secret over bash", change: append(own("secrets: [{source: s, target: /usr/bin/bash}]"), "volumes:\n  db:", "secrets: {s: {environment: API_KEY}}\nvolumes:\n  db:"), policy: []string{"ALLOW_COMPOSE=launcher:secrets"}, said: problems + "whatever it is"},
		{name: "another service than the one whose hash was accepted", change: ingress, now: []string{named + "@sha256:" + strings.Repeat("ab", 32)}, then: []string{named}, said: problems + "another content"},
		{name: "an entry point under an accepted name", change: own("entrypoint: [sh, -c, evil]"), policy: []string{"ALLOW_COMPOSE=launcher:entrypoint"}, said: problems + "whatever it is"},
		say("what the deployer puts into an accepted service, as `${CMD}`", "command: \"${CMD}\""),
		say("the same, as a variable without a value", "environment: [CMD], command: 'sh -c \"$$CMD\"'"),
		say("the same, as a secret", "secrets: [s], command: sh /run/secrets/s", "volumes:\n  db:", "secrets: {s: {environment: CMD}}\nvolumes:\n  db:"),
		say("the same, by an env_file", "env_file: .env, command: 'sh -c \"$$CMD\"'"),
	}
}

func appFields() []forged {
	return []forged{
		{name: "an image over any path (`verity_volumes`)", app: map[string]any{"verity_volumes": []any{map[string]any{"source": "x.img", "target": "/usr/bin"}}}, said: problems + "over a path"},
		{name: "a field of a later dstack", app: map[string]any{"new_field": 1}, said: problems + "does not know"},
		{name: "a pre_launch_script", app: map[string]any{"pre_launch_script": "evil"}, said: problems + "root"},
		{name: "one init script among several", app: map[string]any{"init_script": []string{"", "evil"}}, said: problems + "root"},
		{name: "another runner", app: map[string]any{"runner": "bash", "bash_script": "evil"}, said: problems + "runner"},
		{name: "a manifest of a later dstack", app: map[string]any{"manifest_version": "4"}, said: problems + "versions 1 to 3"},
		{name: "a GPU under debug", app: map[string]any{"requirements": map[string]any{"gpu_policy": map[string]any{"allow_debug": true}}}, said: problems + "GPU"},
	}
}

func launchers() []forged {
	return []forged{
		{name: "an image by its tag", change: []string{"@" + forgedLauncher, ":latest"}, said: "launcher image: no service"},
		{name: "another launcher", change: []string{forgedLauncher, strings.Replace(forgedLauncher, "a1", "a2", 1)}, said: "launcher image: no service"},
		{name: "another entry point", change: own("entrypoint: [bash, -c, evil]"), said: problems + "may not have it"},
		{name: "another mode", change: own("command: [image]"), said: problems + "another command"},
		{name: "no measuring", change: own("command: [--platform, nontee]"), said: problems + "not measured"},
		{name: "no measuring, behind another flag", change: own("command: [--retries, \"3\", -platform=nontee]"), said: problems + "not measured"},
		{name: "another guest agent", change: own("command: [--dstack-endpoint, /var/lib/git-launcher/sock]"), said: problems + "another guest agent"},
		{name: "another config", change: own("command: [/var/lib/git-launcher/x.conf]"), said: problems + "another config"},
		{name: "a hook after its start", change: own("post_start: [{command: evil, privileged: true}]"), said: problems + "may not have it"},
		{name: "files put into it by a watcher", change: own("develop: {watch: [{path: ., action: sync, target: /}]}"), said: problems + "may not have it"},
		{name: "system calls that somebody else answers", change: []string{"no-new-privileges:true", "seccomp:./data/profile.json"}, said: problems + "confinement"},
		{name: "two launchers", change: another("  twin: {image: example.org/git-launcher@" + forgedLauncher + "}"), said: "launcher image: several"},
		{name: "parts of another file", change: own("extends: {file: ./data/x.yaml, service: y}"), said: problems + "may not have it"},
		{name: "a tmpfs over the CA files", change: []string{"\"/root:exec\"", "\"/etc/ssl:exec\""}, said: problems + "hides files"},
		{name: "a health check", change: own("healthcheck: {test: [CMD, evil]}"), said: problems + "may not have it"},
	}
}

func others() []forged {
	service := func(lines string) []string { return another("  evil: {image: evil, " + lines + "}") }
	return []forged{
		{name: "a privileged one", change: service("privileged: true"), said: problems + "root in the VM"},
		{name: "Docker's socket", change: service("volumes: [\"/var/run/docker.sock:/x\"]"), said: problems + "Docker's socket"},
		{name: "Docker's socket, by another key", change: service("use_api_socket: true"), said: problems + "socket"},
		{name: "the guest agent's socket", change: service("volumes: [\"/run/dstack.sock:/x\"]"), said: problems + "any event"},
		{name: "the folder of the sockets", change: service("volumes: [\"/run:/x\"]"), said: problems + "sock"},
		{name: "the volumes of the launcher", change: service("volumes_from: [app]"), said: problems + "every volume"},
		{name: "the VM's processes", change: service("pid: host"), said: problems + "process"},
		{name: "the VM's network", change: service("network_mode: host"), said: problems + "network"},
		{name: "the VM's network, by the beginning of its id", change: service("network_mode: \"0a\""), said: problems + "beginning of an id"},
		{name: "the launcher's network", change: service("network_mode: \"service:app\""), said: problems + "network of the launcher"},
		{name: "a network on the VM's interface", change: append(service("networks: [lan]"), "volumes:\n  db:", "networks: {lan: {driver: macvlan, driver_opts: {parent: eth0}}}\nvolumes:\n  db:"), said: problems + "driver"},
		{name: "a device", change: service("devices: [/dev/vdb]"), said: problems + "disks"},
		{name: "a capability", change: service("cap_add: [SYS_ADMIN]"), said: problems + "capability"},
		{name: "a log driver that is a plugin", change: service("logging: {driver: evil}"), said: problems + "plugin"},
		{name: "a log that is a unix socket", change: service("logging: {driver: syslog, options: {syslog-address: \"unix:///run/docker.sock\"}}"), said: problems + "unix socket"},
		{name: "a program of the VM", change: service("provider: {type: evil}"), said: problems + "program of the VM"},
		{name: "a build", change: another("  evil: {build: {context: ./data}}"), said: problems + "not measured"},
		{name: "another runtime", change: service("runtime: nvidia"), said: problems + "runtime"},
		{name: "orders to the runtime", change: service("annotations: {run.oci.hooks.stderr: /x}"), said: problems + "orders"},
		{name: "services of another file", change: []string{"services:\n", "include: [./data/x.yaml]\nservices:\n"}, said: problems + "not measured"},
		{name: "a control group outside of its own", change: service("cgroup_parent: /../.."), said: problems + "not known"},
		{name: "a folder of a volume that lies outside of it", change: append(service("volumes: [{type: volume, source: v, target: /x, volume: {subpath: ../..}}]"), "volumes:\n  db:", "volumes:\n  v:\n  db:"), said: problems + "out of a volume"},
		{name: "mounts that go back to the VM", change: service("volumes: [{type: bind, source: ./data, target: /x, bind: {propagation: rshared}}]"), said: problems + "share mounts"},
		{name: "a file system from the VM's own network", change: append(service("volumes: [\"net:/x\"]"), "volumes:\n  db:", "volumes:\n  net: {driver_opts: {type: nfs, o: \"addr=127.0.0.1\", device: \":/\"}}\n  db:"), said: problems + "its own network"},
	}
}

func handed() []forged {
	return []forged{
		{name: "another commit after the expected one", emit: []measure.Event{{Name: measure.EventCommit, Payload: []byte("01234567890123456789")}}, said: "launch events: without a launch record"},
		{name: "a log with an entry more", hand: func(t *testing.T, d *deployment, m *machine) {
			m.edit(t, "quote.json", logOf(func(log []map[string]any) []map[string]any { return append(log, log[len(log)-1]) }))
		}, said: "event log: "},
		{name: "a log with an entry less", hand: func(t *testing.T, d *deployment, m *machine) {
			m.edit(t, "quote.json", logOf(func(log []map[string]any) []map[string]any { return log[:len(log)-1] }))
		}, said: "event log: "},
		{name: "the app-compose of another boot", hand: func(t *testing.T, d *deployment, m *machine) {
			other := d.boot(t, sim.V05, d.appCompose(t, forged{change: own("init: true")}), sim.Options{})
			m.write(t, "info.json", other.call(t, "Info", struct{}{}))
		}, said: "app-compose: "},
		{name: "the log of another boot", hand: func(t *testing.T, d *deployment, m *machine) {
			other := d.boot(t, sim.V05, d.appCompose(t, forged{}), sim.Options{Seed: "another"})
			other.answers(t)
			var doc, from map[string]any
			json.Unmarshal(m.read(t, "quote.json"), &doc)
			json.Unmarshal(other.read(t, "quote.json"), &from)
			m.edit(t, "quote.json", func([]byte) []byte { doc["event_log"] = from["event_log"]; return marshalled(doc) })
		}, said: "event log: "},
		{name: "a revoked platform", sim: sim.Options{Statuses: tdx.Statuses{Platform: "Revoked", Module: "Revoked", QE: "Revoked"}}, said: "TCB status: revoked"},
		{name: "a platform that is out of date", sim: sim.Options{Statuses: tdx.Statuses{Platform: "OutOfDate", Module: "OutOfDate", QE: "OutOfDate"}}, said: "TCB status: lacks"},
		{name: "the collateral that the evidence brings along", hand: func(t *testing.T, d *deployment, m *machine) {
			var doc map[string]any
			json.Unmarshal(m.read(t, "quote.json"), &doc)
			doc["collateral"] = json.RawMessage(m.read(t, "collateral.json"))
			m.edit(t, "quote.json", func([]byte) []byte { return marshalled(doc) })
		}, args: func(m *machine) []string {
			return []string{"--offline", "--info", m.file("info.json"), m.file("quote.json")}
		}, said: "collateral: chooses among"},
	}
}

func marshalled(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// logOf returns a change of the event log of a GetQuote answer.
func logOf(change func([]map[string]any) []map[string]any) func([]byte) []byte {
	return func(data []byte) []byte {
		var doc map[string]any
		var log []map[string]any
		json.Unmarshal(data, &doc)
		json.Unmarshal([]byte(doc["event_log"].(string)), &log)
		doc["event_log"] = string(marshalled(change(log)))
		return marshalled(doc)
	}
}
