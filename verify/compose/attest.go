package compose

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"gitlauncher/internal/launcherflags"
	"gitlauncher/verify/compose/folder"
	"gitlauncher/verify/compose/model"
	"gitlauncher/verify/compose/rights"
)

// evidenceDir is where the launcher leaves its receipt, and the workload its public key. It
// may be a volume, for attest to read.
const evidenceDir = "/run/git-launcher"

// attestKeys are the keys that attest's service may have besides those that are judged:
// they only say where and when it runs, or restrict it.
var attestKeys = strings.Fields("cap_drop cpus depends_on expose mem_limit pids_limit ports restart stop_grace_period")

// callsAttest reports whether a service calls the launcher's attest, which launches nothing.
func (j *judge) callsAttest(service map[string]any) bool {
	words, ok := commandWords(service["command"])
	return ok && !j.expect.Image && len(words) > 0 && words[0] == "attest"
}

// attest returns why a service is not the known form of attest: the launcher's own
// program, which answers with quotes over a nonce and the workload's key, and which may
// therefore have the guest agent's socket. Nothing is left open: any difference makes
// it a service like any other.
func (j *judge) attest(service map[string]any) error {
	if image, _ := service["image"].(string); j.ImageDigest == "" || !strings.HasSuffix(image, "@"+j.ImageDigest) {
		return errors.New("its image is not the launcher's, by the same digest")
	}
	if service["read_only"] != true {
		return errors.New("its root file system can be written")
	}
	for _, key := range model.SortedKeys(service) {
		if err := j.attestKey(key, service); err != nil {
			return err
		}
	}
	var found error
	rights.Networks(j.model, service, func(what, _ string) { found = errors.New("it " + what) })
	return found
}

func (j *judge) attestKey(key string, service map[string]any) error {
	value := service[key]
	switch {
	case model.FilledIn(value):
		return fmt.Errorf("it has a ${…} in %s", key)
	case value == nil || key == "image" || key == "read_only" || strings.HasPrefix(key, "x-"):
	case key == "command":
		return attestCommand(value)
	case key == "volumes":
		return j.attestMounts(service)
	case key == "security_opt" && len(rights.Confinement(value)) == 0:
	case slices.Contains(attestKeys, key):
	default:
		return fmt.Errorf("it has %.60s", key)
	}
	return nil
}

// attestCommand reads the command as the launcher does. Files must be on the one
// volume.
func attestCommand(value any) error {
	words, _ := commandWords(value) // callsAttest has checked that it is one
	set, rest, err := launcherflags.Read("attest", words[1:])
	switch {
	case err != nil:
		return fmt.Errorf("in its command %w", err)
	case len(rest) > 0:
		return fmt.Errorf("its command has %.60q", rest[0])
	}
	for _, f := range set {
		file := (f.Name == "receipt" || f.Name == "bind-file") && path.Clean(f.Value) == f.Value && strings.HasPrefix(f.Value, evidenceDir+"/")
		if f.Effect != launcherflags.Quiet && !file {
			return fmt.Errorf("its command sets --%s to %.60q", f.Name, f.Value)
		}
	}
	return nil
}

// attestMounts accepts the guest agent's socket, and one volume of the launcher's,
// read-only.
func (j *judge) attestMounts(service map[string]any) error {
	for _, m := range model.Mounts(service) {
		switch {
		case m.Unusual != "":
			return fmt.Errorf("it has a mount with %.60s", m.Unusual)
		case m.Kind == "bind" && folder.Path(m.Source) == "/run/dstack.sock" && j.ownMount(m):
		case m.Kind != "volume":
			return fmt.Errorf("it has a mount of type %.40s at %.100s", m.Kind, m.Target)
		case !m.ReadOnly:
			return fmt.Errorf("it can write to the volume %.60s", m.Source)
		case m.Target != evidenceDir: // so there is only one: Compose accepts one for each place
			return fmt.Errorf("it has the volume %.60s at %.100s, and not at %s", m.Source, m.Target, evidenceDir)
		case !j.leavesEvidence(m):
			return fmt.Errorf("the volume %.60s is not the one that the launcher's service has at %s", m.Source, evidenceDir)
		case folder.OfImage(j.workDir()): // a certificate that the commit has for its tests could be bound
			return fmt.Errorf("WORK_DIR is %.60s, which may lie on its volume", j.workDir())
		}
	}
	return nil
}

// leavesEvidence reports whether a volume is the one in which the launcher's service
// leaves its receipt. The launcher's service is where the kind of volume is judged.
func (j *judge) leavesEvidence(of model.Mount) bool {
	return slices.ContainsFunc(model.Mounts(j.model.Services[j.Service]), func(m model.Mount) bool {
		return m.Kind == "volume" && m.Source != "" && path.Clean(m.Target) == evidenceDir && j.model.Volume(m.Source) == j.model.Volume(of.Source)
	})
}
