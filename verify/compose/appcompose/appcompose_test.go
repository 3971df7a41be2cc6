package appcompose_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gitlauncher/verify/compose/appcompose"
)

// TestFields: the table has every field that dstack 0.5 and 0.6 deserialize, once, and
// what their scripts take by jq.
func TestFields(t *testing.T) {
	var names []string
	for _, f := range appcompose.Fields() {
		if slices.Contains(names, f.Name) || f.Readers == "" || f.Verdict == "" || strings.HasSuffix(f.Verdict, ".") {
			t.Errorf("%+v", f)
		}
		names = append(names, f.Name)
	}
	for name := range strings.FieldsSeq(`manifest_version name features runner snapshotter docker_compose_file docker_config init_script public_logs
		public_sysinfo public_tcbinfo kms_enabled gateway_enabled tproxy_enabled local_key_provider_enabled key_provider key_provider_id
		allowed_envs no_instance_id secure_time storage_fs storage_discard swap_size event_log_version port_policy requirements verity_volumes
		pre_launch_script bash_script default_gateway_domain`) {
		if !slices.Contains(names, name) {
			t.Errorf("%s is missing", name)
		}
	}
	if _, known := appcompose.Find("new_field"); known {
		t.Error("a field is known that no dstack has")
	}
}

// TestInitScripts: what an app-compose may have as its init script, and by which words
// another value is refused.
func TestInitScripts(t *testing.T) {
	for value, want := range map[string]string{
		"null": "", `""`: "", "[]": "", `"a"`: "a", `["a"]`: "a", `["a","b"]`: "a b", `["",""]`: " ", `["a","b","c","d","e"]`: "a b c d e",
		`["a","b","c","d","e","f"]`: "!has more than 5 init scripts", "7": "!init_script is neither", "{}": "!init_script is neither", "[7]": "!init_script is neither", `[["a"]]`: "!init_script is neither", "true": "!init_script is neither",
	} {
		app, err := appcompose.Parse([]byte(`{"init_script":` + value + `}`))
		if says, refused := strings.CutPrefix(want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v; want %q", value, err, says)
			}
			continue
		}
		if err != nil || string(bytes.Join(app.InitScripts, []byte(" "))) != want {
			t.Errorf("%s: %q, %v", value, app.InitScripts, err)
		}
	}
	for data, says := range map[string]string{"null": "is not a JSON object", "[]": "cannot unmarshal array", `{"allowed_envs":"A"}`: "allowed_envs", `{"runner":7}`: "runner", `{"docker_compose_file":{}}`: "docker_compose_file", `{"Runner":"x"}`: `the key "Runner" where only "runner" is meant`} {
		if _, err := appcompose.Parse([]byte(data)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want %q", data, err, says)
		}
	}
}

// TestJudge: which values of a field are problems.
func TestJudge(t *testing.T) {
	for _, tc := range []struct {
		field, value string
		bad          bool
	}{
		{"manifest_version", "2", false}, {"manifest_version", `"3"`, false}, {"manifest_version", "3", true}, {"manifest_version", `"03"`, true}, {"manifest_version", "null", true},
		{"event_log_version", "2", false}, {"event_log_version", `"2"`, true}, {"storage_fs", `"zfs"`, false}, {"storage_fs", `"nfs"`, true},
		{"verity_volumes", "[]", false}, {"verity_volumes", "null", false}, {"verity_volumes", "[{}]", true}, {"verity_volumes", "{}", true},
		{"requirements", "null", false}, {"requirements", `{"os_version":">=0.6.0","gpu_policy":{}}`, false}, {"requirements", `{"gpu_policy":{"attest_gpu":true,"allow_debug":false,"rego":"x"}}`, false},
		{"requirements", `{"gpu_policy":{"allow_devtools":true}}`, true}, {"requirements", `{"gpu_policy":{"allow_insecure_boot":1}}`, true}, {"requirements", `{"gpu_policy":[]}`, true}, {"requirements", `[]`, true}, {"requirements", `{"new":1}`, true},
		{"public_logs", "true", false}, {"runner", `"bash"`, false}, // judged elsewhere
	} {
		f, known := appcompose.Find(tc.field)
		if what, why := f.Judge(json.RawMessage(tc.value)); !known || (why != "") != tc.bad || (what != "") != tc.bad {
			t.Errorf("%s: %s is judged %q, %q", tc.field, tc.value, what, why)
		}
	}
	for field, value := range map[string]string{"swap_size": `"1G"`, "secure_time": "false", "docker_config": `{"registry":"x"}`} {
		if f, _ := appcompose.Find(field); f.Note(json.RawMessage(value)) == "" || f.Note(json.RawMessage("null")) != "" {
			t.Errorf("%s: %s has no note, or null has one", field, value)
		}
	}
}

// TestDangerous: case does not matter, and a name that is not one name is dangerous,
// too.
func TestDangerous(t *testing.T) {
	for name := range strings.FieldsSeq("PATH path Path GODEBUG godebug LD_PRELOAD GIT_DIR git_ssh COMPOSE_FILE compose_file NERDCTL_X CONTAINERD_X APP_COMPOSE_FILE DSTACK_ROOT_PASSWORD dstack_authorized_keys NO_PROXY all_proxy 1A A-B A.B") {
		if !appcompose.Dangerous(name) {
			t.Errorf("%s passes", name)
		}
	}
	for _, name := range []string{"", "A B", "A\nB", "A=B", "é"} {
		if !appcompose.Dangerous(name) {
			t.Errorf("%q passes", name)
		}
	}
	for name := range strings.FieldsSeq("API_KEY api_key _A A1 DSTACK_APP_ID REPO_TOKEN") {
		if appcompose.Dangerous(name) {
			t.Errorf("%s does not pass", name)
		}
	}
}

func ExampleParse() {
	app, err := appcompose.Parse([]byte(`{"runner":"docker-compose","init_script":["echo one","echo two"],"docker_compose_file":"services: {}"}`))
	fmt.Printf("%s %q %v\n", app.Runner, app.InitScripts, err)
	_, err = appcompose.Parse([]byte(`{"runner":"docker-compose","Runner":"bash"}`))
	fmt.Println(err != nil)
	// Output:
	// docker-compose ["echo one" "echo two"] <nil>
	// true
}
