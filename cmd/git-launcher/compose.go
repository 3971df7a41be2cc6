package main

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/regularfile"
	"gitlauncher/internal/strictyaml"
)

// composeText is the recommended compose file, image/compose/git-mode.yaml, with a
// config in it, and with variables that whoever deploys fills in (private.yaml).
func composeText(conf, image string, envs []string) string {
	var passed strings.Builder
	for _, name := range envs {
		fmt.Fprintf(&passed, "      %s: ${%[1]s}\n", name)
	}
	return fmt.Sprintf(`services:
  app:
    image: %s
    environment:
      GIT_LAUNCHER_RECEIPT_LOG: "true"
%s      GIT_LAUNCHER_CONFIG: %s    restart: on-failure
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    tmpfs: ["/tmp:exec", "/var/tmp:exec", "/run/git-launcher", "/root:exec", "/var/cache:exec"]
    volumes:
      - /var/run/dstack.sock:/var/run/dstack.sock
      - workload:/var/lib/git-launcher
volumes:
  workload:
`, image, passed.String(), composeenv.Literal(conf, "        "))
}

// passable refuses the name of a variable that no deployment may choose.
func passable(name string) error {
	if _, err := config.ParseVariable(name); err != nil {
		return &usageError{"--env " + err.Error()}
	}
	return nil
}

// deployed is what a compose file says of a deployment.
type deployed struct {
	sha256 string   // of the file
	envs   []string // that the launcher's service passes on
}

// readCompose reads the compose file that is to deploy a config. It refuses one that has
// another config in it.
func readCompose(name string, cfgSum string) (*deployed, error) {
	data, err := regularfile.Read(name, strictyaml.MaxSize)
	if err != nil {
		return nil, &usageError{name + ": " + err.Error()}
	}
	file, err := strictyaml.Decode(data)
	if err != nil {
		return nil, &usageError{name + ": " + err.Error()}
	}
	d := &deployed{sha256: digest.Of(data).Hex()}
	services, _ := file["services"].(map[string]any)
	inside, here := 0, false
	for _, service := range sortedMaps(services) {
		vars, err := composeenv.Of(service)
		if err != nil {
			return nil, &usageError{name + ": " + err.Error()}
		}
		i := slices.IndexFunc(vars, func(v composeenv.Var) bool { return v.Name == config.ConfigVariable })
		if i < 0 {
			continue
		}
		inside++
		if !vars[i].Literal || digest.Of([]byte(vars[i].Value)).Hex() != cfgSum {
			continue
		}
		here = true
		for _, v := range vars {
			if v.Through {
				d.envs = append(d.envs, v.Name)
			}
		}
	}
	if inside > 0 && !here {
		return nil, &usageError{name + " has another config in " + config.ConfigVariable + " than the one that is checked; byte for byte they must be the same"}
	}
	return d, nil
}

// sortedMaps returns the mappings in m by their names.
func sortedMaps(m map[string]any) (maps []map[string]any) {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if inner, ok := m[name].(map[string]any); ok {
			maps = append(maps, inner)
		}
	}
	return maps
}
