package compose_test

import (
	"strings"
	"testing"

	"gitlauncher/verify/compose"
)

// TestNamesOfDocker: what Docker finds by the beginning of an id, by a plugin's name or
// at a place that image mode does not read is refused in the words of its own reason.
// SECURITY.md: P8.
func TestNamesOfDocker(t *testing.T) {
	other := func(lines ...string) string {
		return file("", "  other:\n    image: x\n    "+strings.Join(lines, "\n"))
	}
	for name, tc := range map[string]struct {
		text  string
		image bool
		what  string // how the refusal begins; empty: none
	}{
		"a network by its id":            {other("network_mode: 0123456789ab"), false, "has network_mode: 0123456789ab"},
		"a network by its name":          {other("network_mode: mine"), false, "has network_mode: mine"},
		"no network":                     {other("network_mode: none"), false, ""},
		"an external network by its id":  {other("networks: [n]\nnetworks: {n: {external: true, name: beef}}"), false, "is on the external network beef"},
		"an external network by its key": {other("networks: [cafe]\nnetworks: {cafe: {external: true}}"), false, "is on the external network cafe"},
		"an external network":            {other("networks: [n]\nnetworks: {n: {external: true, name: proxy}}"), false, ""},
		"a network of the file":          {other("networks: [cafe]\nnetworks: {cafe: {}}"), false, ""},
		"a log plugin":                   {other("logging: {driver: evil/plugin}"), false, "has the log driver evil/plugin"},
		"the launcher's log plugin":      {file("logging: {driver: 'evil/plugin:1'}"), false, "has the log driver evil/plugin:1"},
		"a log driver of Docker":         {other("logging: {driver: fluentd}"), false, ""},
		"a config in image mode":         {file("configs: [{source: c, target: /etc/git-launcher/config.conf}]", "configs: {c: {content: x}}"), true, "mounts the config c"},
	} {
		t.Run(name, func(t *testing.T) {
			r := judge(t, tc.text, nil, compose.Expect{Image: tc.image})
			var found []string
			for _, p := range r.Problems {
				found = append(found, p.What)
			}
			if tc.what == "" && len(found) > 0 || tc.what != "" && (len(found) != 1 || !strings.HasPrefix(found[0], tc.what)) {
				t.Errorf("%q, want %q", found, tc.what)
			}
		})
	}
}
