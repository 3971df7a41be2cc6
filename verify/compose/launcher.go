package compose

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/digest"
)

// free are the keys of the launcher's service that can't change what runs. The
// others are judged one by one, or denied.
var free = []string{
	"container_name", "restart", "ports", "expose", "read_only",
	"cap_drop", "user", "init", "stop_grace_period", "mem_limit", "cpus", "labels",
}

// launcher judges the launcher's own service, default deny.
func (j *judge) launcher(name string, service map[string]any) {
	bad := func(key, what, why string) { j.problem("service "+name, "launcher:"+key, what, why) }
	j.Image, _ = service["image"].(string)
	_, digest, _ := strings.Cut(j.Image, "@")
	if isDigest(digest) {
		j.ImageDigest = digest
	} else {
		bad("image", fmt.Sprintf("image is %.100q", j.Image), "it is not pinned by name@sha256:… with 64 lowercase hex digits, so that whoever serves it chooses what runs")
	}
	if j.model.onHost(service) {
		bad("networks", "is on the VM's own network", "it reaches what listens there for the system alone")
	}
	for _, key := range sortedKeys(service) {
		value := service[key]
		if key != "environment" && filledIn(value) { // that one is judged variable by variable
			bad(key, "has a ${…} in "+key, "whoever deploys fills it in, unmeasured")
		}
		switch {
		case key == "image" || slices.Contains(free, key) || strings.HasPrefix(key, "x-"):
		case key == "networks": // judged above
		case key == "security_opt":
			for _, o := range confinement(value) {
				bad(key, fmt.Sprintf("has security_opt %.60s", o), "it changes the container's confinement; a seccomp profile is a file that is not measured, and can hand the launcher's system calls to another process to answer")
			}
		case key == "logging":
			if logsToSocket(value) {
				bad(key, "logs to a unix socket", "Docker would write there as root")
			}
		case key == "environment":
			j.environment(value, bad)
		case key == "command":
			j.command(value, bad)
		case key == "volumes":
			j.ownVolumes(service, bad)
		case key == "tmpfs":
			for _, t := range texts(value) {
				target, _, _ := strings.Cut(t, ":")
				if p := path.Clean(target); p != "/run" && !within(p, "/run/git-launcher") && systemPath(p) {
					bad("tmpfs", fmt.Sprintf("has a tmpfs at %.100s", target), "it hides files of the audited image")
				}
			}
		case key == "configs":
			j.configs(value, bad)
		case key == "secrets":
			bad(key, "has secrets", "a secret's file comes from outside the measured compose and is put into the launcher's container")
		default:
			bad(key, "has "+key, "the launcher's service may not have it: it can change what runs, or is not known to be harmless")
		}
	}
}

func isDigest(s string) bool {
	_, err := digest.Parse(s)
	return err == nil
}

// environment: literal values only, and none that turns measuring off.
func (j *judge) environment(value any, bad func(key, what, why string)) {
	vars := make(map[string]any)
	switch v := value.(type) {
	case map[string]any:
		vars = v
	case []any:
		for _, e := range v {
			key, val, has := strings.Cut(fmt.Sprint(e), "=")
			if vars[key] = nil; has {
				vars[key] = val
			}
		}
	}
	for _, name := range sortedKeys(vars) {
		v := vars[name]
		text := fmt.Sprint(v)
		switch upper := strings.ToUpper(text); {
		case v == nil || filledIn(v) || filledIn(name):
			bad("env:"+name, fmt.Sprintf("the value of %.60s is filled in at deployment", name), "whoever deploys chooses it, unmeasured")
		case name == "PLATFORM" && text != "TEE", name == "GIT_LAUNCHER_PLATFORM" && upper != "TEE":
			bad("env:"+name, fmt.Sprintf("%s is not TEE", name), "the launch is then not measured")
		case name == "DSTACK_SIMULATOR_ENDPOINT" || name == "GIT_LAUNCHER_DSTACK_ENDPOINT" || name == "DSTACK_ENDPOINT":
			bad("env:"+name, "sets "+name, "it means another guest agent than the VM's")
		case strings.HasPrefix(name, "GIT_LAUNCHER_") && name != "GIT_LAUNCHER_PLATFORM":
			flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "GIT_LAUNCHER_"), "_", "-"))
			if !slices.Contains(harmlessFlags, flag) || flag == "receipt" && !receiptPlace(text) {
				bad("env:"+name, "sets "+name, "that flag is not known to be harmless")
			}
		}
		j.Env = append(j.Env, name+"="+strings.ReplaceAll(text, "$$", "$"))
	}
}

// harmlessFlags are the launcher's flags that can't change what is measured.
var harmlessFlags = []string{
	"log-format", "log-level", "receipt", "receipt-log", "require-receipt", "max-pack-bytes", "max-tree-bytes", "max-files",
	"stall-timeout", "fetch-timeout", "lock-timeout", "dstack-timeout", "retries",
}

// command: run with harmless flags, on the config that is judged.
func (j *judge) command(value any, bad func(key, what, why string)) {
	var words []string
	switch v := value.(type) {
	case string:
		if strings.ContainsAny(v, `"'\;&|<>()`+"`") {
			bad("command", "has a command with quotes or a shell's signs", "it is judged word by word; write it as a list")
			return
		}
		words = strings.Fields(v)
	default:
		words = texts(value)
	}
	if len(words) > 0 && (words[0] == "run" || words[0] == "image") {
		words = words[1:]
	}
	for i := 0; i < len(words); i++ {
		flag, val, has := strings.Cut(strings.TrimLeft(words[i], "-"), "=")
		switch {
		case !strings.HasPrefix(words[i], "-"):
			if words[i] != config.DefaultFile {
				bad("command", fmt.Sprintf("its command has %.60q", words[i]), "it means another config, or another command, than the one that is judged")
				return
			}
		case flag == "platform":
			if !has && i+1 < len(words) {
				i++
				val = words[i]
			}
			if val != "tee" {
				bad("command", "its command has --platform other than tee", "the launch is then not measured")
			}
		case slices.Contains(harmlessFlags, flag):
			if !has && flag != "receipt-log" && flag != "require-receipt" {
				if i++; i < len(words) {
					val = words[i]
				}
			}
			if flag == "receipt" && !receiptPlace(val) {
				bad("command", fmt.Sprintf("its command writes the receipt to %.100q", val), "it may replace a program that the workload runs; a receipt is a .json file")
				return
			}
		case flag == "dstack-endpoint":
			bad("command", "its command has --dstack-endpoint", "it means another guest agent than the VM's")
			return
		default:
			bad("command", fmt.Sprintf("its command has %.60q", words[i]), "that flag is not known to be harmless")
			return
		}
	}
}

// receiptPlace reports whether a file may hold the receipt: the receipt carries
// the compose, and must not become a script.
func receiptPlace(file string) bool { return strings.HasSuffix(file, ".json") }

// confinement are the security_opt of a service beyond no-new-privileges.
func confinement(value any) (out []string) {
	for _, o := range texts(value) {
		if !strings.HasPrefix(o, "no-new-privileges") {
			out = append(out, o)
		}
	}
	return out
}

// logsToSocket reports whether a service's log goes to a unix socket.
func logsToSocket(logging any) bool {
	l, _ := logging.(map[string]any)
	options, _ := l["options"].(map[string]any)
	for _, v := range options {
		if strings.Contains(strings.ToLower(fmt.Sprint(v)), "unix") {
			return true
		}
	}
	return false
}

// ownMount reports whether the bind mounts that the launcher's service may have.
func (j *judge) ownMount(m mount) bool {
	source, target := hostPath(m.source), hostPath(m.target)
	if source == "/run/dstack.sock" && target == source {
		return true
	}
	return j.expect.Image && (source == "/run/docker.sock" && target == source || source == "/tapp" && target == source)
}

func (j *judge) ownVolumes(service map[string]any, bad func(key, what, why string)) {
	for _, m := range mounts(service) {
		switch {
		case m.kind == "bind" && j.ownMount(m):
		case m.kind == "bind":
			bad("volumes", fmt.Sprintf("mounts %.100s at %.100s", m.source, m.target), "a file of the VM is not measured, and the launcher would run or read it")
		case m.kind == "tmpfs" && !systemPath(path.Clean(m.target)):
		case m.kind == "volume" && systemPath(path.Clean(m.target)):
			bad("volumes", fmt.Sprintf("mounts a volume at %.100s", m.target), "it hides files of the audited image, or replaces the config")
		case m.kind == "volume":
			j.driver(m.source, func(what, why string) { bad("volumes", what, why) })
			if opts := j.model.entry("volumes", m.source)["driver_opts"]; opts != nil {
				bad("volumes", fmt.Sprintf("mounts the volume %.60s with driver_opts", m.source), "it can be a folder of the VM")
			}
		default:
			bad("volumes", fmt.Sprintf("has a mount of type %.40s at %.100s", m.kind, m.target), "that type is not understood here")
		}
	}
}

// systemPath reports whether a place in the launcher's image is the image's own,
// or the config's.
func systemPath(p string) bool {
	if !path.IsAbs(p) || p == "/var" || p == "/var/lib" {
		return true
	}
	for _, dir := range []string{"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/var/run", "/sbin", "/sys", "/usr", "/opt", "/git-launcher", "/tapp"} {
		if within(p, dir) || within(dir, p) {
			return true
		}
	}
	return false
}

// configs: the launcher's own config, inline, and no other.
func (j *judge) configs(value any, bad func(key, what, why string)) {
	list, _ := value.([]any)
	for _, v := range list {
		e, _ := v.(map[string]any)
		source, _ := e["source"].(string)
		target, _ := e["target"].(string)
		if target == "" {
			target = "/" + source
		}
		content, inline := j.model.entry("configs", source)["content"].(string)
		switch {
		case !inline:
			bad("configs", fmt.Sprintf("the config %.60s is not inline content", source), "a file, variable or external config is not measured")
		case filledIn(content):
			bad("configs", fmt.Sprintf("the config %.60s has a $ in its content", source), "Compose fills it in from variables that are not measured; a plain $ is written $$")
		case path.Clean(target) != config.DefaultFile:
			bad("configs", fmt.Sprintf("the config %.60s lies at %.100s", source, target), "it may replace a file of the audited image or of the pinned commit; only "+config.DefaultFile+" is in the launch record")
		case j.Config != nil:
			bad("configs", fmt.Sprintf("the config %.60s lies at %.100s, too", source, target), "two configs at one place, and one of them counts")
		default:
			j.Config = []byte(strings.ReplaceAll(content, "$$", "$"))
		}
	}
}
