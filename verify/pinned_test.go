package verify_test

import (
	"strings"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify"
	"gitlauncher/verify/launch"
	"gitlauncher/verify/report"
)

// unrecorded leaves nothing in the log after system-ready, as on dstack 0.6, where no
// application can extend the register.
func unrecorded(v *vm) { v.after = []measure.Event{} }

// TestPinned: a launch that nothing recorded passes where the measured compose leaves
// nothing else to launch, and only there.
// SECURITY.md: E12.
func TestPinned(t *testing.T) {
	other := gitRecord()
	other.Commit = strings.Repeat("9", 40)
	content := "CONTENT_SHA256=" + strings.Repeat("c", 64)
	replaced := func(old, new string) func(v *vm) {
		return func(v *vm) {
			if !strings.Contains(v.compose, old) {
				t.Fatalf("the compose has no %q", old)
			}
			v.compose = strings.Replace(v.compose, old, new, 1)
			unrecorded(v)
		}
	}
	configured := func(lines ...string) func(v *vm) {
		return func(v *vm) {
			v.config(append([]string{"REPO_URL=" + repoURL, "COMMIT_SHA=" + commit}, lines...)...)
			unrecorded(v)
		}
	}
	file := func(v *vm) string { return "DOCKER_COMPOSE_SHA256=" + digestOf([]byte(v.compose)) }
	for name, tc := range map[string]struct {
		change func(v *vm)
		policy []string // FILE stands for the hash of the compose file
		code   int
		find   string
		o      report.Outcome
	}{
		"pinned":                            {unrecorded, nil, 0, "launch", report.Pass},
		"a record is wanted":                {unrecorded, []string{"LAUNCH=recorded"}, 4, "launch", report.NotAllowed},
		"a record is wanted, and there":     {func(*vm) {}, []string{"LAUNCH=recorded"}, 0, "commit", report.Pass},
		"other events":                      {func(v *vm) { v.after = []measure.Event{{Name: "mine"}} }, nil, 0, "launch", report.Pass},
		"another commit":                    {configured(), []string{"COMMIT_SHA=" + other.Commit}, 0, "commit", report.Pass}, // either may be launched
		"the wrong commit":                  {func(v *vm) { v.config("REPO_URL="+repoURL, "COMMIT_SHA="+other.Commit); unrecorded(v) }, nil, 4, "commit", report.NotAllowed},
		"no commit is expected":             {func(v *vm) { v.without = []string{"COMMIT_SHA"}; unrecorded(v) }, nil, 1, "commit", report.Undecided},
		"an image is expected":              {func(v *vm) { v.without = []string{"COMMIT_SHA"}; unrecorded(v) }, []string{"IMAGE_DIGEST=" + workload}, 4, "launch", report.NotAllowed},
		"another repository":                {unrecorded, []string{"REPO_URL=https://example.org/other.git"}, 4, "repository", report.NotAllowed},
		"a command":                         {configured("RUN_CMD=make"), nil, 1, "run command", report.Undecided},
		"the command":                       {configured("RUN_CMD=make"), []string{"RUN_CMD=make"}, 0, "run command", report.Pass},
		"a command, by the file's hash":     {configured("RUN_CMD=make"), []string{"FILE"}, 0, "run command", report.Pass},
		"another script":                    {configured("ENTRYPOINT_SCRIPT=x.sh"), []string{"ENTRYPOINT_SCRIPT=entrypoint.sh"}, 4, "entry script", report.NotAllowed},
		"the tree":                          {unrecorded, []string{"TREE=" + tree}, 0, "tree", report.Note},
		"content in the config":             {configured(content), []string{content, "FILE"}, 0, "content", report.Pass},
		"other content in the config":       {configured("CONTENT_SHA256=" + strings.Repeat("d", 64)), []string{content}, 4, "content", report.NotAllowed},
		"content that nobody says":          {unrecorded, []string{content}, 1, "content", report.Undecided},
		"the script's bytes in the config":  {configured("ENTRYPOINT_SHA256=" + strings.Repeat("e", 64)), []string{"ENTRYPOINT_SHA256=" + strings.Repeat("e", 64), "FILE"}, 0, "entry script's bytes", report.Pass},
		"the script's bytes nobody says":    {unrecorded, []string{"ENTRYPOINT_SHA256=" + strings.Repeat("e", 64)}, 1, "entry script's bytes", report.Undecided},
		"another config than the policy's":  {unrecorded, []string{"CONFIG_SHA256=" + strings.Repeat("0", 64)}, 4, "config hash", report.NotAllowed},
		"a contradicting record":            {func(v *vm) { v.after = launchEvents(t, other) }, nil, 4, "config of the compose", report.NotAllowed},
		"a contradicting record, expected":  {func(v *vm) { v.after = launchEvents(t, other) }, []string{"COMMIT_SHA=" + other.Commit}, 4, "config of the compose", report.NotAllowed},
		"half a record":                     {func(v *vm) { v.after = launchEvents(t, other)[:1] }, nil, 4, "launch events", report.NotAllowed},
		"a container that can be changed":   {replaced("    read_only: true\n", ""), []string{"ALLOW_COMPOSE=launcher:writable", "FILE"}, 4, "launch", report.NotAllowed},
		"read_only: false":                  {replaced("read_only: true", "read_only: false"), []string{"ALLOW_COMPOSE=launcher:writable,launcher:read_only", "FILE"}, 4, "launch", report.NotAllowed},
		"an accepted entrypoint":            {replaced("    restart: on-failure\n", "    entrypoint: [sh]\n"), []string{"ALLOW_COMPOSE=launcher:entrypoint", "FILE"}, 4, "launch", report.NotAllowed},
		"an accepted command":               {replaced("    restart: on-failure\n", "    command: [sh]\n"), []string{"ALLOW_COMPOSE=launcher:command", "FILE"}, 4, "launch", report.NotAllowed},
		"an accepted volume":                {replaced("      - workload:", "      - /root:/root\n      - workload:"), []string{"ALLOW_COMPOSE=launcher:volumes", "FILE"}, 4, "launch", report.NotAllowed},
		"a record is asked for":             {replaced("      GIT_LAUNCHER_CONFIG:", "      GIT_LAUNCHER_MEASURE: record\n      GIT_LAUNCHER_CONFIG:"), []string{"FILE"}, 4, "launch", report.NotAllowed},
		"the config is in the image":        {func(v *vm) { v.derived(); unrecorded(v) }, []string{"CONFIG_SHA256=" + strings.Repeat("0", 64)}, 4, "launch", report.NotAllowed},
		"a receipt of another commit":       {func(v *vm) { unrecorded(v); v.record = marshal(t, other) }, nil, 4, "receipt", report.NotAllowed},
		"a receipt of no record":            {func(v *vm) { unrecorded(v); v.record = []byte("{}") }, nil, 4, "receipt", report.NotAllowed},
		"a receipt of the launch":           {unrecorded, nil, 0, "receipt", report.Pass},
		"a receipt for another nonce":       {func(v *vm) { unrecorded(v); v.nonce = []byte{1} }, []string{"NONCE=02"}, 4, "nonce", report.NotAllowed},
		"a compose-hash after system-ready": {func(v *vm) { v.after = bootEvents([]byte("{}"))[2:3] }, nil, 3, "launch", report.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			tc.change(v)
			v.policy = tc.policy
			for i, l := range v.policy {
				if l == "FILE" {
					v.policy[i] = file(v)
				}
			}
			e, p := v.evidence(t)
			if tc.find != "receipt" && tc.find != "nonce" {
				e.Receipt = nil // any quote of the boot will do
			}
			outcome(t, verify.Judge(t.Context(), e, p), tc.code, "E", tc.find, tc.o)
		})
	}
}

// TestPinnedSays: the report says which binding it is, and the launch.
func TestPinnedSays(t *testing.T) {
	for _, pinned := range []bool{true, false} {
		v, binding := newVM(), measure.Recorded
		if pinned {
			unrecorded(v)
			binding = measure.Pinned
		}
		r := v.judge(t)
		if r.ExitCode != 0 || len(r.Launches) != 1 || r.Launches[0].Binding != binding || r.Launches[0].Commit != commit || r.Launches[0].Repo != repoURL {
			t.Errorf("exit code %d, launches %+v", r.ExitCode, r.Launches)
		}
	}
}

// TestPinnedClone: a local clone says what neither a record nor the config does.
func TestPinnedClone(t *testing.T) {
	v := newVM()
	unrecorded(v)
	v.policy = []string{"TREE=" + tree, "CONTENT_SHA256=" + strings.Repeat("c", 64), "ENTRYPOINT_SHA256=" + strings.Repeat("e", 64)}
	e, p := v.evidence(t)
	clone := launch.Checkout{Commit: commit, Tree: tree, ContentSHA256: strings.Repeat("c", 64), EntrySHA256: func(string) (string, error) { return strings.Repeat("e", 64), nil }}
	p.Checkout = &clone
	outcome(t, verify.Judge(t.Context(), e, p), 0, "E", "content", report.Pass)
	clone.ContentSHA256 = strings.Repeat("d", 64)
	outcome(t, verify.Judge(t.Context(), e, p), 4, "E", "content", report.NotAllowed)
	clone.Commit = strings.Repeat("9", 40)
	outcome(t, verify.Judge(t.Context(), e, p), 4, "E", "clone's commit", report.NotAllowed)
}

// TestPinnedImage: image mode is pinned by a literal digest where no file of approved
// digests is consulted.
// SECURITY.md: E12.
func TestPinnedImage(t *testing.T) {
	const approved = "\n    command: [--approved, none]"
	for name, tc := range map[string]struct {
		old, new string
		policy   string
		code     int
		o        report.Outcome
	}{
		"pinned":           {"", "", "", 0, report.Pass},
		"another digest":   {workload, strings.Replace(workload, "b", "c", 1), "", 4, report.Pass},
		"a list":           {approved, "", "", 4, report.NotAllowed},
		"a list, by name":  {"none", "/mnt/shared/image-digest.bin", "", 4, report.NotAllowed},
		"recorded, wanted": {"", "", "LAUNCH=recorded", 4, report.NotAllowed},
	} {
		v := newVM()
		v.compose = strings.Replace(imageCompose, "\n    read_only: true", approved+"\n    read_only: true", 1)
		v.compose = strings.Replace(v.compose, tc.old, tc.new, 1)
		v.without, v.policy = []string{"COMMIT_SHA"}, []string{"IMAGE_DIGEST=" + workload}
		if tc.policy != "" {
			v.policy = append(v.policy, tc.policy)
		}
		unrecorded(v)
		e, p := v.evidence(t)
		e.Receipt = nil
		r := verify.Judge(t.Context(), e, p)
		t.Run(name, func(t *testing.T) { outcome(t, r, tc.code, "E", "launch", tc.o) })
	}
}
