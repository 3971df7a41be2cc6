package rights

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/verify/compose/model"
)

// Networks judges the networks that a service joins: they may be the VM's own, by the
// name of one of them or through their driver, or be filled in later.
func Networks(m *model.Model, service map[string]any, bad func(what, why string)) {
	for _, key := range model.NetworksOf(service) {
		def := m.Entry("networks", key)
		name, ok := def["name"].(string)
		if !ok && def["external"] != nil && def["external"] != false {
			name = key
		}
		if def["external"] != nil && def["external"] != false && isHex(name) {
			bad(fmt.Sprintf("is on the external network %.60s", name), "Docker finds networks by the beginning of an id, too, so that it may be the VM's own")
		}
		if name == "host" || strings.HasPrefix(name, "container:") || model.FilledIn(def["name"]) {
			bad("is on the VM's own network", "it reaches what listens there for the system alone")
		}
		if driver, ok := def["driver"]; ok && driver != nil && driver != "" && driver != "bridge" {
			bad(fmt.Sprintf("is on the network %.60s of driver %.40s", key, fmt.Sprint(driver)), "it may be on the VM's own interfaces, or run by a plugin; bridge is known")
		}
	}
}

// isHex reports whether a name could be the beginning of an id.
func isHex(name string) bool { return name != "" && strings.Trim(name, "0123456789abcdefABCDEF") == "" }

// logDrivers are those that Docker itself has.
var logDrivers = strings.Fields("none local json-file syslog journald gelf fluentd awslogs splunk gcplogs")

// Logging judges where a service's log goes: it may go to Docker's own drivers, and to
// no unix socket of the VM.
func Logging(value any, bad func(what, why string)) {
	l, _ := value.(map[string]any)
	if driver := l["driver"]; driver != nil && driver != "" && !slices.Contains(logDrivers, fmt.Sprint(driver)) {
		bad(fmt.Sprintf("has the log driver %.60s", fmt.Sprint(driver)), "a plugin of that name runs as root in the VM")
	}
	options, _ := l["options"].(map[string]any)
	for _, v := range options {
		if strings.Contains(strings.ToLower(fmt.Sprint(v)), "unix") {
			bad("logs to a unix socket", "Docker would write there as root")
			return
		}
	}
}
