package folder_test

import (
	"strings"
	"testing"

	"gitlauncher/verify/compose/folder"
)

// TestTakesOver: who owns a folder, whatever it is called.
func TestTakesOver(t *testing.T) {
	for source, want := range map[string]string{
		"./data": "", "data/x": "", "./config/../data": "", "/srv": "", "/srv/x/y": "", "/mnt/disk": "", "/data": "", "/tapp/data": "", "/var/volatile/dstack/data": "", "/dstack/letsencrypt": "",
		"./persistent": "data disk", "persistent/var/lib/docker": "data disk", "./data/../persistent": "data disk", "/tapp/persistent": "data disk", "/tapp/../tapp//persistent/": "data disk", "/var/volatile/dstack/persistent": "data disk", "/srv/../dstack/persistent": "data disk",
		"./agent.json": "guest agent", "./app-compose.json": "next start", "./docker-compose.yaml": "next start", "./docker-compose.override.yml": "no rule leaves", "./user_config": "reads it", ".host-shared": "keys", "./.env": "variables", ".": "dstack's own", "/tapp": "dstack's own", "..": "not one of the folders", "./datax": "no rule leaves", "./Data": "no rule leaves", "./x": "no rule leaves",
		"/": "not one of the folders", "/run": "socket", "/run/dstack.sock": "any event", "/var/run/tappd.sock": "any event", "/run/docker.sock": "Docker's socket", "/run/other": "sockets are in it", "/var": "Docker's data", "/var/lib/docker/volumes": "Docker's data", "/dev/tdx_guest": "TDX device", "/proc": "every process", "/sys/kernel": "kernel",
		"~/.ssh": "root's home", "~": "root's home", "/home/root": "root's home", "/etc": "not one of the folders", "/tmp": "not one of the folders", "/srvx": "not one of the folders", "/opt/x": "not one of the folders", "/usr": "not one of the folders",
	} {
		why, bad := folder.TakesOver(source)
		if bad != (want != "") || !strings.Contains(why, want) {
			t.Errorf("%s: %v, %q; want %q", source, bad, why, want)
		}
	}
	for file, want := range map[string]bool{
		".env": true, "./.env": true, "/tapp/.env": true, "./db.env": true, "app-1.env": true, "./data/x.env": false, "./user_config": false, "../x.env": false, "/etc/x.env": false, "./x.y.env": false, "./agent.json": false,
	} {
		if folder.IsEnvFile(file) != want {
			t.Errorf("%s is one: %v", file, !want)
		}
	}
}

// TestHidesImage: a file system over the launcher's image is seen, whatever its path is
// written like.
func TestHidesImage(t *testing.T) {
	for target, want := range map[string]bool{
		"/tmp": false, "/tmp/x": false, "/var/tmp": false, "/run": false, "/run/app": false, "/var/run/app": false, "/root": false, "/home/a": false, "/var/cache/x": false, "/srv": false, "/var/lib/app": false,
		"/": true, "": true, "tmp": true, "/usr": true, "/usr/local/bin": true, "/tmp/../usr": true, "/etc": true, "/opt/x": true, "/var": true, "/var/lib": true, "/var/lib/dpkg": true, "/git-launcher": true, "/tmpx/../bin": true,
		"/run/dstack.sock": true, "/var/run/dstack.sock": true, "/run/docker.sock/x": true,
	} {
		if got := folder.HidesImage(target); got != want {
			t.Errorf("%q: %v", target, got)
		}
	}
	if !folder.OfImage("/root") || folder.OfImage("/var/lib/git-launcher") {
		t.Error("a volume may lie over /root, or not on WORK_DIR")
	}
}

// TestIsHome: where a volume of the launcher's would outlive the boot as somebody's home.
func TestIsHome(t *testing.T) {
	for place, want := range map[string]bool{
		"/home": true, "/home/x": true, "/home/x/.local/lib": true, "/home/x/state": false, "/homex": false, "/var/www": true, "/var/www/html": true, "/nonexistent": true, "/data": false, "/var/lib/git-launcher": false,
	} {
		if folder.IsHome(place) != want {
			t.Errorf("%s: %v", place, !want)
		}
	}
}
