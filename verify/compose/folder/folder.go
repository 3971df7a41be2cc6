package folder

import (
	"path"
	"slices"
	"strings"
)

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
	{"/run/dstack.sock", "anyone who has the guest agent's socket can write any event into the log"},
	{"/run/tappd.sock", "anyone who has the guest agent's socket can write any event into the log"},
	{"/run/docker.sock", "anyone who has Docker's socket is root in the VM"},
	{"/run/containerd", "anyone who has containerd's socket is root in the VM"},
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

// TakesOver reports whether a container that gets a path of the VM can take over the
// launch, and how. Only listed paths are allowed; everything else is the system's.
func TakesOver(source string) (why string, bad bool) {
	p := Path(source)
	if slices.ContainsFunc(appRoots, func(root string) bool { return Within(p, root) }) {
		return "", false
	}
	if name, ok := strings.CutPrefix(p, "/dstack/"); ok && slices.Contains(appFolders, firstPart(name)) {
		return "", false
	}
	for _, t := range takeover {
		if Within(p, t.path) || p != "/" && p != "/dstack" && Within(t.path, p) {
			return t.why, true
		}
	}
	return "it is the system", true
}

func firstPart(p string) string {
	first, _, _ := strings.Cut(p, "/")
	return first
}

// IsEnvFile reports whether a file may be read as an env_file: one of the application's,
// or a plain NAME.env beside the compose file, which no part of the system has.
func IsEnvFile(source string) bool {
	p := Path(source)
	if p == "/dstack/.env" {
		return true // it has only what allowed_envs has
	}
	name, ok := strings.CutPrefix(p, "/dstack/")
	base, isEnv := strings.CutSuffix(name, ".env")
	return ok && isEnv && strings.Trim(base, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// Path returns the absolute path in the VM that a bind source means. Relative ones are
// in dstack's project directory.
func Path(source string) string {
	if strings.HasPrefix(source, "~") {
		return path.Join("/root", source[1:])
	}
	if !strings.HasPrefix(source, "/") {
		source = "/dstack/" + source
	}
	clean := path.Clean(source)
	for _, names := range []struct{ name, is string }{{"/var/run", "/run"}, {"/tapp", "/dstack"}, {"/var/volatile/dstack", "/dstack"}} {
		if Within(clean, names.name) { // one folder by two names
			return names.is + clean[len(names.name):]
		}
	}
	return clean
}

// Within reports whether path is dir or lies below it.
func Within(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}
