package compose

import (
	"fmt"
	"strings"

	"gitlauncher/verify/compose/folder"
	"gitlauncher/verify/compose/model"
)

// hostFile judges a path of the VM that a service gets.
func (j *judge) hostFile(how, source string, bad func(what, why string)) {
	if why, is := folder.TakesOver(source); is {
		bad(fmt.Sprintf("%s %.100s", how, source), why)
		return
	}
	if len(source) > maxPath {
		bad(fmt.Sprintf("%s %.100s…", how, source), "no path is that long")
		return
	}
	dirs := j.writableDirs()
	for dir := folder.Path(source); ; { // clean, so that each / has a folder before it
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

// writableDirs returns the folders of the VM in which services other than the
// launcher's can write.
func (j *judge) writableDirs() map[string]bool {
	if j.dirs != nil {
		return j.dirs
	}
	j.dirs = make(map[string]bool)
	for name, service := range j.model.Services {
		for _, m := range model.Mounts(service) {
			if device, bind := model.BindDevice(j.model.Entry("volumes", m.Source)); m.Kind == "volume" && bind {
				m.Kind, m.Source = "bind", device
			}
			if name != j.Service && !m.ReadOnly && (m.Kind == "bind" || m.Kind == "") {
				j.dirs[folder.Path(m.Source)] = true
			}
		}
	}
	return j.dirs
}

// driver judges a named volume that is really something of the VM, or somebody's
// plugin.
func (j *judge) driver(key string, bad func(what, why string)) {
	def := j.model.Entry("volumes", key)
	what := fmt.Sprintf("mounts the volume %.60s", key)
	if name := j.model.Volume(key).Name; strings.ContainsAny(name, "/:") {
		bad(fmt.Sprintf("%s, whose name is %.100s", what, name), "Docker may take that for a folder of the VM")
	}
	if d, _ := def["driver"].(string); d != "" && d != "local" {
		bad(fmt.Sprintf("%s of driver %.40s", what, d), "a volume plugin decides what is in it")
	}
	if model.FilledIn(def) {
		bad(what+", which has a ${…}", "anyone who deploys fills it in, unmeasured")
	}
	opts, _ := def["driver_opts"].(map[string]any)
	device, bind := model.BindDevice(def)
	kind, _ := opts["type"].(string)
	switch {
	case len(opts) == 0 || kind == "" && device == "" && opts["o"] == nil:
	case bind:
		j.hostFile(what+", which is", device, bad)
	case kind != "tmpfs":
		bad(fmt.Sprintf("%s of file system %.40q", what, kind), "the VM mounts it: such a mount can show the VM's own files, processes or devices, or reach what listens on its own network; tmpfs is known")
	}
}
