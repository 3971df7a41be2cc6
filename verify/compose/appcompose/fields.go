package appcompose

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Field is a field of dstack's app-compose.
type Field struct {
	Name    string
	Readers string // which dstack reads it
	Verdict string // how it is judged: a phrase without a full stop
	judge   func(value json.RawMessage) (what, why string)
	note    func(value json.RawMessage) string
}

const (
	both  = "0.5, 0.6"
	early = "0.5.0 to 0.5.4"
	late  = "0.6"
	tools = "none; tools"
)

// Fields returns every field of an app-compose of dstack 0.5 and 0.6 (dstack-types'
// AppCompose, what the system's scripts take from the file with jq, and what Phala
// Cloud adds). A field that is not here is a problem: in a version that this package
// does not know it may mount an image over any path, as verity_volumes does.
func Fields() []Field {
	return []Field{
		{"manifest_version", both, "1, 2, or a string of 1 to 3: others are problems", judgeVersion, nil},
		{"name", both, "passes: a label", nil, nil},
		{"runner", both, "docker-compose passes; every other one is a problem", nil, nil},
		{"docker_compose_file", both, "judged: see check D", nil, nil},
		{"allowed_envs", both, "judged by name, and against ALLOWED_ENVS", nil, nil},
		{"pre_launch_script", both, "a problem, but for the published forms of Phala Cloud's on a production image", nil, nil},
		{"init_script", both, "a problem; in 0.6 a list of scripts, too", nil, nil},
		{"bash_script", both, "a problem", nil, nil},
		{"docker_config", early, "passes: images by digest are the same from any registry", nil, noteRegistry},
		{"key_provider", both, "passes: the event key-provider says who it was", nil, nil},
		{"key_provider_id", both, "passes: the same", nil, nil},
		{"kms_enabled", both, "passes: an older form of key_provider", nil, nil},
		{"local_key_provider_enabled", both, "passes: an older form of key_provider", nil, nil},
		{"gateway_enabled", both, "passes: who can connect", nil, nil},
		{"tproxy_enabled", both, "passes: an older name of gateway_enabled", nil, nil},
		{"port_policy", "0.5.11, 0.6", "passes: which ports dstack's gateway forwards", nil, nil},
		{"public_logs", both, "passes: who can read logs", nil, nil},
		{"public_sysinfo", both, "passes: who can read the VM's figures", nil, nil},
		{"public_tcbinfo", both, "passes: who can read the measurements", nil, nil},
		{"no_instance_id", both, "passes: shown by the event instance-id", nil, nil},
		{"secure_time", both, "passes", nil, noteTime},
		{"storage_fs", both, "ext4 and zfs pass: both lie in the encrypted disk", judgeStorage, nil},
		{"storage_discard", late, "passes: shows the host which blocks are in use", nil, nil},
		{"swap_size", both, "passes, with a note", nil, noteSwap},
		{"event_log_version", late, "1 and 2 pass: the log is replayed by it", judgeLogVersion, nil},
		{"requirements", late, "passes, but for a gpu_policy that lets in what can be read from outside, and for unknown parts", judgeRequirements, nil},
		{"snapshotter", late, "passes: only the runner nerdctl-compose reads it", nil, nil},
		{"verity_volumes", late, "a problem unless empty: an image is mounted over any path", judgeVerity, nil},
		{"features", both, "passes: older forms of gateway_enabled and key_provider", nil, nil},
		{"default_gateway_domain", "none; Phala Cloud's script", "passes: a name in DSTACK_GATEWAY_DOMAIN", nil, nil},
		{"launch_token_hash", tools, "passes: read by scripts alone, which are judged", nil, nil},
		{"description", tools, "passes: read by no part of the system", nil, nil},
		{"author", tools, "passes: the same", nil, nil},
		{"tags", tools, "passes: the same", nil, nil},
		{"salt", tools, "passes: the same", nil, nil},
	}
}

// Judge returns what a value has and why it is a problem; an empty why means that it
// passes here. A field that is judged elsewhere passes.
func (f Field) Judge(value json.RawMessage) (what, why string) {
	if f.judge == nil {
		return "", ""
	}
	return f.judge(value)
}

// Note returns a remark on a value, or "".
func (f Field) Note(value json.RawMessage) string {
	if f.note == nil {
		return ""
	}
	return f.note(value)
}

// Find returns the field of a name.
func Find(name string) (Field, bool) {
	known := Fields()
	i := slices.IndexFunc(known, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return known[i], true
}

// Markdown returns the table of app-compose's fields that VERIFY.md has.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| field | read by dstack | judgement |\n|---|---|---|\n")
	for _, f := range Fields() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, f.Readers, f.Verdict)
	}
	b.WriteString("| any other | | a problem; its own name accepts it |\n")
	return b.String()
}

// oneOf reports whether a value is one of these, as JSON writes them.
func oneOf(value json.RawMessage, allowed ...string) bool {
	return slices.Contains(allowed, string(value))
}

func judgeVersion(value json.RawMessage) (what, why string) {
	if oneOf(value, "1", "2", `"1"`, `"2"`, `"3"`) {
		return "", ""
	}
	return fmt.Sprintf("has the manifest_version %.20s", value), "this program knows versions 1 to 3; from 3 on it is a string"
}

func judgeStorage(value json.RawMessage) (what, why string) {
	if oneOf(value, "null", `""`, `"ext4"`, `"zfs"`) {
		return "", ""
	}
	return fmt.Sprintf("has the storage_fs %.40s", value), "this program does not know that file system"
}

func judgeLogVersion(value json.RawMessage) (what, why string) {
	if oneOf(value, "1", "2") {
		return "", ""
	}
	return fmt.Sprintf("has the event_log_version %.20s", value), "this program reads logs of versions 1 and 2"
}

func judgeVerity(value json.RawMessage) (what, why string) {
	if oneOf(value, "null", "[]") {
		return "", ""
	}
	return "has verity_volumes", "each mounts an image that the host supplies over a path of the VM; only its hash is measured"
}

// judgeRequirements judges requirements. They can make a boot fail and change nothing
// else, except which GPU is accepted.
func judgeRequirements(value json.RawMessage) (what, why string) {
	if oneOf(value, "null") {
		return "", ""
	}
	var parts map[string]json.RawMessage
	if json.Unmarshal(value, &parts) != nil {
		return "has requirements that are not an object", "this program does not know them"
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		switch name {
		case "os_version", "platforms", "tdx_measure_acpi_tables", "launch_token_hash":
		case "gpu_policy":
			if what, why := judgeGPU(parts[name]); why != "" {
				return what, why
			}
		default:
			return fmt.Sprintf("has the requirement %.60q", name), "this program does not know it"
		}
	}
	return "", ""
}

func judgeGPU(value json.RawMessage) (what, why string) {
	var policy map[string]json.RawMessage
	if json.Unmarshal(value, &policy) != nil {
		return "has a gpu_policy that is not an object", "this program does not know it"
	}
	for _, name := range slices.Sorted(maps.Keys(policy)) {
		open, known := map[string]string{"attest_gpu": "false", "allow_devtools": "true", "allow_debug": "true", "allow_insecure_boot": "true", "rego": ""}[name]
		switch {
		case !known:
			return fmt.Sprintf("has the gpu_policy %.60q", name), "this program does not know it"
		case open != "" && !oneOf(policy[name], "true", "false"), open != "" && string(policy[name]) == open:
			return fmt.Sprintf("has the gpu_policy %s: %.20s", name, policy[name]), "a GPU passes whose memory the host can read or write"
		}
	}
	return "", ""
}

func noteRegistry(value json.RawMessage) string {
	if oneOf(value, "{}", "null") {
		return ""
	}
	return "app-compose has a docker_config; it chooses registries and credentials, images by digest are the same from any"
}

func noteTime(value json.RawMessage) string {
	if !oneOf(value, "false") {
		return ""
	}
	return "app-compose has secure_time: false, so the host can set the VM's clock; what is pinned does not depend on it"
}

func noteSwap(value json.RawMessage) string {
	if oneOf(value, "0", `"0"`, "null") {
		return ""
	}
	return "app-compose has a swap_size: memory goes to the host's disk, encrypted, but without a check that what comes back is what was written"
}
