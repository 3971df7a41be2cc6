package author

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/regularfile"
	"gitlauncher/internal/step"
	"gitlauncher/internal/strictyaml"
)

// Compose returns the recommended compose file, image/compose/git-mode.yaml, with a
// config in it, and with variables that are filled in at deployment
// (image/compose/private.yaml).
func Compose(conf, image string, envs []string) string {
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

// Deployment says how a compose file deploys a config.
type Deployment struct {
	SHA256  string   // of the file
	Service string   // that has the config in it; empty if the config must come from a file
	Envs    []string // that this service passes on
}

// ReadCompose reads the compose file that will deploy a config with this SHA-256. It
// refuses one that has another config in it. Its errors are [*step.UsageError].
func ReadCompose(name, configSHA256 string) (*Deployment, error) {
	data, err := regularfile.Read(name, strictyaml.MaxSize)
	if err != nil {
		return nil, step.Usagef("%s: %v", name, err)
	}
	file, err := strictyaml.Decode(data)
	if err != nil {
		return nil, step.Usagef("%s: %v", name, err)
	}
	d := &Deployment{SHA256: digest.Of(data).Hex()}
	services, _ := file["services"].(map[string]any)
	another := false
	for _, name := range slices.Sorted(maps.Keys(services)) {
		service, _ := services[name].(map[string]any)
		vars, err := composeenv.Of(service)
		if err != nil {
			return nil, step.Usagef("%s: %v", name, err)
		}
		i := slices.IndexFunc(vars, func(v composeenv.Var) bool { return v.Name == config.ConfigVariable })
		if i < 0 {
			continue
		}
		if !vars[i].Literal || digest.Of([]byte(vars[i].Value)).Hex() != configSHA256 {
			another = true
			continue
		}
		d.Service = name
		for _, v := range vars {
			if v.Through {
				d.Envs = append(d.Envs, v.Name)
			}
		}
	}
	if another && d.Service == "" {
		return nil, step.Usagef("%s has another config in %s than the one that is checked; byte for byte they must be the same", name, config.ConfigVariable)
	}
	return d, nil
}
