package compose

import (
	"fmt"
	"slices"
	"strings"
)

// Facts about the VM, from dstack's dstack-prepare.sh, app-compose.sh and
// system_setup.rs of 0.5.11 and 0.6: /tapp is a link to /dstack, and /dstack is
// /var/volatile/dstack, the folder in which Compose runs, so that relative paths are
// below it. There, dstack keeps .host-shared (app-compose, keys, the decrypted
// variables), app-compose.json, user_config, agent.json (the guest agent's config)
// and docker-compose.yaml, and mounts the data disk, with Docker's own root, on
// persistent. Compose reads .env and files of several names there. The rest of
// the VM is the system, but for what the first services make.

// appFolders are the relative folders that services may have from the VM: names by
// which people keep their data beside a compose file, and which no dstack, Compose
// or script of Phala's uses. Each may have more below it.
var appFolders = strings.Fields(`
	app assets backup backups cache cert certs conf config configs data database db downloads evidences files html import
	keys letsencrypt log logs media models nginx notebooks output outputs pgdata postgres private public redis results
	scripts secrets shared sql src ssl static storage uploads volumes workspace www`)

// appRoots are the folders outside of /dstack that services may have.
var appRoots = []string{"/srv", "/mnt", "/data", "/media"}

// takeover are the places in the VM through which a container takes over the launch,
// with the reasons. What is neither here nor an application's is the system's.
var takeover = []struct{ path, why string }{
	{"/run/dstack.sock", "whoever has the guest agent's socket can write any event into the log"},
	{"/run/tappd.sock", "whoever has the guest agent's socket can write any event into the log"},
	{"/run/docker.sock", "whoever has Docker's socket is root in the VM"},
	{"/run/containerd", "whoever has containerd's socket is root in the VM"},
	{"/var/lib/docker", "Docker's data holds every container's files and volumes"},
	{"/var/lib/containerd", "containerd's data holds every container's files"},
	{"/dev", "host devices reach the disks and the TDX device itself"},
	{"/proc", "the host's /proc reaches every process"},
	{"/sys", "the host's /sys reaches the kernel"},
	{"/dstack/persistent", "it is the data disk, with Docker's own root on it"},
	{"/dstack/agent.json", "it configures the guest agent"},
	{"/dstack/app-compose.json", "it decides what runs at the next start"},
	{"/dstack/docker-compose.yaml", "it decides what runs at the next start"},
	{"/dstack/user_config", "the launcher reads it"},
	{"/dstack/.host-shared", "it holds the application's keys and variables"},
	{"/dstack/.env", "Docker Compose takes variables from it"},
	{"/dstack", "dstack's own data decides what runs, and no rule leaves this part of it to applications"},
	{"/run", "the sockets are in it"},
	{"/root", "it is root's home"}, {"/home", "root's home is in it"},
	{"/", "it is not one of the folders that the system leaves to applications, which are " + strings.Join(appRoots, ", ") + " and below"},
}

// takesOver says whether having a host path takes over, and how. What is allowed is a
// list; everything else is the system's.
func takesOver(source string) (why string, bad bool) {
	p := hostPath(source)
	if slices.ContainsFunc(appRoots, func(root string) bool { return within(p, root) }) {
		return "", false
	}
	if name, ok := strings.CutPrefix(p, "/dstack/"); ok && slices.Contains(appFolders, firstPart(name)) {
		return "", false
	}
	for _, t := range takeover {
		if within(p, t.path) || p != "/" && p != "/dstack" && within(t.path, p) {
			return t.why, true
		}
	}
	return "it is the system", true
}

func firstPart(p string) string {
	first, _, _ := strings.Cut(p, "/")
	return first
}

// envFile reports whether a file may be read as an env_file: one of the application's,
// or a plain NAME.env beside the compose file, which no part of the system has.
func envFile(source string) bool {
	p := hostPath(source)
	if p == "/dstack/.env" {
		return true // reading it gives what allowed_envs gives
	}
	name, ok := strings.CutPrefix(p, "/dstack/")
	base, isEnv := strings.CutSuffix(name, ".env")
	return ok && isEnv && strings.Trim(base, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// hostFile judges a path of the VM that a service gets.
func (j *judge) hostFile(how, source string, bad func(what, why string)) {
	if why, is := takesOver(source); is {
		bad(fmt.Sprintf("%s %.100s", how, source), why)
		return
	}
	if len(source) > maxPath {
		bad(fmt.Sprintf("%s %.100s…", how, source), "no path is that long")
		return
	}
	dirs := j.writableDirs()
	for dir := hostPath(source); ; { // clean, so that each / has a folder before it
		dir = dir[:strings.LastIndexByte(dir, '/')]
		if dir == "" {
			return
		}
		if dirs[dir] {
			bad(fmt.Sprintf("%s %.100s", how, source), fmt.Sprintf("a service can write in %.100s and put a link there, which Docker follows to anywhere in the VM", dir))
			return
		}
	}
}

// maxPath is the kernel's bound on a path.
const maxPath = 4096

// writableDirs are the folders of the VM in which services can write.
func (j *judge) writableDirs() map[string]bool {
	if j.dirs != nil {
		return j.dirs
	}
	j.dirs = make(map[string]bool)
	for name, service := range j.model.services {
		for _, m := range mounts(service) {
			if device, bind := bindDevice(j.model.entry("volumes", m.source)); m.kind == "volume" && bind {
				m.kind, m.source = "bind", device
			}
			if name != j.Service && !m.readOnly && (m.kind == "bind" || m.kind == "") {
				j.dirs[hostPath(m.source)] = true
			}
		}
	}
	return j.dirs
}

// bindDevice is the folder of the VM that a named volume really is.
func bindDevice(def map[string]any) (device string, bind bool) {
	opts, _ := def["driver_opts"].(map[string]any)
	device, _ = opts["device"].(string)
	o, _ := opts["o"].(string)
	return device, slices.ContainsFunc(strings.Split(o, ","), func(s string) bool { s = strings.TrimSpace(s); return s == "bind" || s == "rbind" })
}

// driver judges a named volume that is really something of the VM, or somebody's
// plugin.
func (j *judge) driver(key string, bad func(what, why string)) {
	def := j.model.entry("volumes", key)
	what := fmt.Sprintf("mounts the volume %.60s", key)
	if name := j.model.volume(key).name; strings.ContainsAny(name, "/:") {
		bad(fmt.Sprintf("%s, whose name is %.100s", what, name), "Docker may take that for a folder of the VM")
	}
	if d, _ := def["driver"].(string); d != "" && d != "local" {
		bad(fmt.Sprintf("%s of driver %.40s", what, d), "a volume plugin decides what is in it")
	}
	if filledIn(def) {
		bad(what+", which has a ${…}", "whoever deploys fills it in, unmeasured")
	}
	opts, _ := def["driver_opts"].(map[string]any)
	device, bind := bindDevice(def)
	kind, _ := opts["type"].(string)
	switch {
	case len(opts) == 0 || kind == "" && device == "" && opts["o"] == nil:
	case bind:
		j.hostFile(what+", which is", device, bad)
	case !slices.Contains([]string{"tmpfs", "nfs", "nfs4", "cifs"}, kind):
		bad(fmt.Sprintf("%s of file system %.40q", what, kind), "such a mount can show the VM's own files, processes or devices")
	}
}
