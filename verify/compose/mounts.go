package compose

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/verify/compose/appcompose"
	"gitlauncher/verify/compose/folder"
	"gitlauncher/verify/compose/model"
)

// ownMount reports whether a bind mount is one that the launcher's service may have.
func (j *judge) ownMount(m model.Mount) bool {
	source, target := folder.Path(m.Source), path.Clean(m.Target)
	inside := func(p string) string { // as folder.Path does, in the container
		if rest, ok := strings.CutPrefix(p, "/var/run/"); ok {
			return "/run/" + rest
		}
		return p
	}
	switch source {
	case "/run/dstack.sock":
		return inside(target) == source
	case "/run/docker.sock":
		return j.expect.Image && inside(target) == source
	case "/dstack":
		return j.expect.Image && target == "/tapp" && m.ReadOnly
	}
	return false
}

func (j *judge) ownVolumes(service map[string]any, bad func(key, what, why string)) {
	for _, m := range model.Mounts(service) {
		if m.Unusual != "" {
			bad("volumes", fmt.Sprintf("has a mount with %.60s", m.Unusual), "it is not known to be harmless: such options share mounts with the VM, or lead out of a volume")
		}
		switch {
		case m.Kind == "bind" && j.ownMount(m):
		case m.Kind == "bind":
			bad("volumes", fmt.Sprintf("mounts %.100s at %.100s", m.Source, m.Target), "a file of the VM is not measured, and the launcher would run or read it")
		case m.Kind == "tmpfs":
			tmpfs("volumes", m.Target, bad)
		case m.Kind == "volume" && path.Clean(m.Target) == evidenceDir && !j.expect.Image:
			j.ownVolume(m.Source, bad)
			if j.elsewhere(m, service) {
				bad("volumes", fmt.Sprintf("mounts the volume %.60s at %s, and elsewhere, too", m.Source, evidenceDir), "the receipt may replace a file of the workload, and attest may bind a key that was never the workload's own, out of a file that lies there")
			}
		case m.Kind == "volume" && folder.IsHome(path.Clean(m.Target)):
			bad("volumes", fmt.Sprintf("mounts a volume at %.100s", m.Target), "it is a user's home, where programs look for code of their own, and a volume may outlive the boot; a tmpfs does not")
		case m.Kind == "volume" && folder.OfImage(path.Clean(m.Target)):
			bad("volumes", fmt.Sprintf("mounts a volume at %.100s", m.Target), "it hides files of the audited image, or replaces the config")
		case m.Kind == "volume":
			j.ownVolume(m.Source, bad)
		default:
			bad("volumes", fmt.Sprintf("has a mount of type %.40s at %.100s", m.Kind, m.Target), "that type is not understood here")
		}
	}
}

// elsewhere reports whether a service has the volume of a mount at another place, too, or may.
func (j *judge) elsewhere(of model.Mount, service map[string]any) bool {
	return slices.ContainsFunc(model.Mounts(service), func(m model.Mount) bool {
		if m.Kind != "volume" || path.Clean(m.Target) == path.Clean(of.Target) {
			return false
		}
		one := map[string]any{"volumes": []any{map[string]any{"type": m.Kind, "source": m.Source}}}
		return j.model.VolumesOf(one).MayHave(j.model.Volume(of.Source))
	})
}

// ownVolume judges what a volume of the launcher's really is.
func (j *judge) ownVolume(source string, bad func(key, what, why string)) {
	j.driver(source, func(what, why string) { bad("volumes", what, why) })
	if opts := j.model.Entry("volumes", source)["driver_opts"]; opts != nil {
		bad("volumes", fmt.Sprintf("mounts the volume %.60s with driver_opts", source), "it can be a folder of the VM")
	}
}

// tmpfs judges an empty file system in memory, which does not outlive the container.
func tmpfs(key, target string, bad func(key, what, why string)) {
	if folder.HidesImage(target) {
		bad(key, fmt.Sprintf("has a tmpfs at %.100s", target), "it hides files of the audited image")
	}
}

// configs judges configs: the launcher's own may be there, inline, and no other.
func (j *judge) configs(value any, bad func(key, what, why string)) {
	list, _ := value.([]any)
	for _, v := range list {
		e, _ := v.(map[string]any)
		source, _ := e["source"].(string)
		target, _ := e["target"].(string)
		if target == "" {
			target = "/" + source
		}
		content, inline := j.model.Entry("configs", source)["content"].(string)
		switch {
		case j.expect.Image:
			bad("configs", fmt.Sprintf("mounts the config %.60s", source), "image mode reads none, and what lies there may replace a file of the audited image")
		case !inline:
			bad("configs", fmt.Sprintf("the config %.60s is not inline content", source), "a file, variable or external config is not measured")
		case model.FilledIn(content):
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

// secrets judges secrets: they may be files below /run/secrets, where the image has
// nothing.
func (j *judge) secrets(value any, bad func(key, what, why string)) {
	list, _ := value.([]any)
	for _, v := range list {
		e, _ := v.(map[string]any)
		source, _ := e["source"].(string)
		target, _ := e["target"].(string)
		if target == "" {
			target = source
		}
		def := j.model.Entry("secrets", source)
		file, isFile := def["file"].(string)
		env, isEnv := def["environment"].(string)
		switch {
		case target == "" || strings.Trim(target, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "":
			bad("secrets", fmt.Sprintf("has the secret %.60s at %.100q", source, target), "it comes from outside the measured compose, and may replace a file of the audited image; a target that is a plain name lies in /run/secrets")
		case model.FilledIn(def):
			bad("secrets", fmt.Sprintf("has the secret %.60s with a ${…} in it", source), "anyone who deploys fills it in, unmeasured")
		case isFile:
			j.hostFile("has as the secret "+source+" the file", file, func(what, why string) { bad("secrets", what, why) })
		case isEnv && appcompose.IsVariable(env):
			j.Passed = append(j.Passed, env)
			j.variable("service "+j.Service, env, fmt.Sprintf("has %.60s in the secret %.60s", env, source))
		default:
			bad("secrets", fmt.Sprintf("has the secret %.60s of another kind", source), "it is neither a file nor a variable")
		}
	}
}
