package verify_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify"
	"gitlauncher/verify/launch"
	"gitlauncher/verify/report"
)

// TestLaunch: launches that are not what is expected (E).
// SECURITY.md: E4, E12.
func TestLaunch(t *testing.T) {
	change := func(f func(r *measure.GitRecord)) func(v *vm) {
		return func(v *vm) {
			r := gitRecord()
			if f(r); r.ConfigSHA256 == gitRecord().ConfigSHA256 {
				v.launch(t, r)
			}
			v.after, v.record = launchEvents(t, r), marshal(t, r)
		}
	}
	// lying launches what the config says, and writes another record beside its hash.
	lying := func(f func(r *measure.GitRecord)) func(v *vm) {
		return func(v *vm) {
			r := gitRecord()
			v.launch(t, r)
			f(r)
			v.after, v.record = launchEvents(t, r), marshal(t, r)
		}
	}
	configured := func(lines ...string) func(v *vm) {
		return func(v *vm) {
			v.further = lines
			v.launch(t, gitRecord())
		}
	}
	submodules := []measure.Submodule{{Commit: strings.Repeat("5", 40), Path: "lib"}}
	placed := func(submodules []measure.Submodule) func(v *vm) {
		return func(v *vm) {
			r := gitRecord()
			r.Submodules, v.further = submodules, []string{"SUBMODULES=recursive"}
			v.launch(t, r)
		}
	}
	placedConfig := digestOf([]byte("REPO_URL=" + repoURL + "\nCOMMIT_SHA=" + commit + "\nENTRYPOINT_SCRIPT=entrypoint.sh\nSUBMODULES=recursive\n"))
	contentConfig := digestOf([]byte("REPO_URL=" + repoURL + "\nCOMMIT_SHA=" + commit + "\nENTRYPOINT_SCRIPT=entrypoint.sh\nCONTENT_SHA256=" + strings.Repeat("c", 64) + "\n"))
	other := gitRecord()
	other.Commit = strings.Repeat("9", 40)
	image := []measure.Event{{Name: measure.EventImageDigest, Payload: must(hex.DecodeString(workload[7:]))}}
	for name, tc := range map[string]struct {
		change func(v *vm)
		policy []string
		code   int
		find   string
		o      report.Outcome
	}{
		"another commit":                   {change(func(r *measure.GitRecord) { r.Commit = other.Commit }), nil, 4, "commit", report.NotAllowed},
		"commit unexpected":                {func(v *vm) { v.without = []string{"COMMIT_SHA"} }, nil, 1, "commit", report.Undecided},
		"another repository":               {func(*vm) {}, []string{"REPO_URL=https://example.org/other.git"}, 4, "repository", report.NotAllowed},
		"another config":                   {change(func(r *measure.GitRecord) { r.ConfigSHA256 = strings.Repeat("0", 64) }), nil, 4, "config of the compose", report.NotAllowed},
		"sub-directory":                    {change(func(r *measure.GitRecord) { r.Subdir = "debug" }), nil, 1, "sub-directory", report.Undecided},
		"another script":                   {change(func(r *measure.GitRecord) { r.Entrypoint = "debug.sh" }), nil, 1, "entry script", report.Undecided},
		"script refused":                   {change(func(r *measure.GitRecord) { r.Entrypoint = "debug.sh" }), []string{"ENTRYPOINT_SCRIPT=entrypoint.sh"}, 4, "entry script", report.NotAllowed},
		"a command":                        {change(func(r *measure.GitRecord) { r.Advanced, r.RunCmd = true, "curl x | sh" }), nil, 1, "run command", report.Undecided},
		"a command for a script":           {change(func(r *measure.GitRecord) { r.Advanced, r.RunCmd = true, "curl x | sh" }), []string{"ENTRYPOINT_SCRIPT=entrypoint.sh"}, 4, "entry script", report.NotAllowed},
		"a script for a command":           {func(*vm) {}, []string{"RUN_CMD=make"}, 4, "run command", report.NotAllowed},
		"the command":                      {change(func(r *measure.GitRecord) { r.Advanced, r.RunCmd = true, "make" }), []string{"RUN_CMD=make"}, 0, "", ""},
		"an install command":               {change(func(r *measure.GitRecord) { r.Advanced, r.RunCmd, r.InstallCmd = true, "make", "curl x | sh" }), []string{"RUN_CMD=make"}, 1, "install command", report.Undecided},
		"a script's bytes for a command":   {change(func(r *measure.GitRecord) { r.Advanced, r.RunCmd = true, "make" }), []string{"RUN_CMD=make", "ENTRYPOINT_SHA256=" + strings.Repeat("0", 64)}, 4, "entry script's bytes", report.NotAllowed},
		"submodules that nobody asked for": {lying(func(r *measure.GitRecord) { r.Submodules = submodules }), nil, 4, "config of the compose", report.NotAllowed},
		"LFS files that nobody asked for":  {lying(func(r *measure.GitRecord) { r.LFSSHA256 = strings.Repeat("a", 64) }), nil, 4, "config of the compose", report.NotAllowed},
		"submodules":                       {placed(submodules), []string{"CONFIG_SHA256=" + placedConfig}, 0, "submodules", report.Note},
		"none of the submodules asked for": {placed(nil), []string{"CONFIG_SHA256=" + placedConfig}, 0, "config of the compose", report.Pass},
		"submodules, and another commit": {func(v *vm) {
			r := gitRecord()
			r.Submodules, r.Commit, v.further = submodules, other.Commit, []string{"SUBMODULES=recursive"}
			v.launch(t, r)
		}, nil, 4, "commit", report.NotAllowed},
		"submodules, and other content":               {placed(submodules), []string{"CONFIG_SHA256=" + placedConfig, "CONTENT_SHA256=" + strings.Repeat("d", 64)}, 4, "content", report.NotAllowed},
		"no install command":                          {func(*vm) {}, []string{"INSTALL_CMD=make"}, 4, "install command", report.NotAllowed},
		"two launches":                                {func(v *vm) { v.after = append(launchEvents(t, gitRecord()), launchEvents(t, other)...) }, nil, 4, "commit", report.NotAllowed},
		"no launch":                                   {func(v *vm) { v.derived(); v.after = []measure.Event{{Name: "mine"}} }, nil, 3, "launch", report.NotAllowed},
		"the right config's hash, another commit":     {lying(func(r *measure.GitRecord) { r.Commit = other.Commit }), []string{"COMMIT_SHA=" + other.Commit}, 4, "config of the compose", report.NotAllowed},
		"the right config's hash, another repository": {lying(func(r *measure.GitRecord) { r.RepoURL += "x" }), nil, 4, "config of the compose", report.NotAllowed},
		"the right config's hash, another script":     {lying(func(r *measure.GitRecord) { r.Entrypoint = "debug.sh" }), []string{"ENTRYPOINT_SCRIPT=debug.sh"}, 4, "config of the compose", report.NotAllowed},
		"the right config's hash, a command":          {lying(func(r *measure.GitRecord) { r.Advanced, r.RunCmd = true, "make" }), []string{"RUN_CMD=make"}, 4, "config of the compose", report.NotAllowed},
		"the right config's hash, a sub-directory":    {lying(func(r *measure.GitRecord) { r.Subdir = "x" }), []string{"REPO_SUBDIR=x"}, 4, "config of the compose", report.NotAllowed},
		"content as the config has it":                {configured("CONTENT_SHA256=" + strings.Repeat("c", 64)), []string{"CONFIG_SHA256=" + contentConfig}, 0, "config of the compose", report.Pass},
		"other content than the config's":             {configured("CONTENT_SHA256=" + strings.Repeat("d", 64)), nil, 4, "config of the compose", report.NotAllowed},
		"another script's bytes than the config's":    {configured("ENTRYPOINT_SHA256=" + strings.Repeat("d", 64)), nil, 4, "config of the compose", report.NotAllowed},
		"commit without record":                       {func(v *vm) { v.after = append(launchEvents(t, gitRecord()), launchEvents(t, other)[0]) }, nil, 4, "launch events", report.NotAllowed},
		"record without commit":                       {func(v *vm) { v.after = launchEvents(t, gitRecord())[1:] }, nil, 4, "launch events", report.NotAllowed},
		"record not canonical": {func(v *vm) {
			v.after = append(launchEvents(t, gitRecord()), measure.Event{Name: "git-launch", Payload: []byte(`{ "v":"1"}`)})
		}, nil, 4, "launch events", report.NotAllowed},
		"an image, too":             {func(v *vm) { v.after = append(launchEvents(t, gitRecord()), image...) }, nil, 4, "image", report.NotAllowed},
		"receipt of another record": {func(v *vm) { v.record = marshal(t, other) }, nil, 3, "receipt", report.Invalid},
		"quote for another record":  {func(v *vm) { v.report.ReportData = measure.Asked{}.ReportData(marshal(t, other)) }, nil, 3, "receipt", report.Invalid},
		"quote for another nonce": {func(v *vm) {
			v.nonce, v.report.ReportData = []byte{1}, measure.Asked{Nonce: []byte{2}}.ReportData(marshal(t, gitRecord()))
		}, nil, 3, "receipt", report.Invalid},
		"stale nonce":                {func(v *vm) { v.nonce = []byte{1} }, []string{"NONCE=02"}, 4, "nonce", report.NotAllowed},
		"launch receipt for a nonce": {func(*vm) {}, []string{"NONCE=02"}, 4, "nonce", report.NotAllowed},
		"other report data":          {func(*vm) {}, []string{"REPORT_DATA=" + strings.Repeat("00", 64)}, 4, "report data", report.NotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			tc.change(v)
			v.policy = append(v.policy, tc.policy...)
			outcome(t, v.judge(t), tc.code, "E", tc.find, tc.o)
		})
	}
}

// TestEither: a policy for launches of both kinds says that either passes.
func TestEither(t *testing.T) {
	v := newVM()
	v.policy = []string{"IMAGE_DIGEST=" + workload}
	r := v.judge(t)
	outcome(t, r, 0, "E", "launch", report.Note)
	if !slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return strings.Contains(f.Why, "either kind of launch passes") }) {
		t.Error("it is not said")
	}
	unrecorded(v) // then it is judged as image mode, and refused
	outcome(t, v.judge(t), 3, "E", "launch", report.NotAllowed)
}

// TestExpectedOfAnImage: what is expected and can't be judged leaves the verdict open.
// SECURITY.md: E9.
func TestExpectedOfAnImage(t *testing.T) {
	for key, name := range map[string]string{"CONFIG_SHA256": "config hash", "TREE": "TREE", "ENTRYPOINT_SHA256": "ENTRYPOINT_SHA256"} {
		v := newVM()
		v.compose, v.without, v.policy = imageCompose, []string{"COMMIT_SHA"}, []string{"IMAGE_DIGEST=" + workload, key + "=" + strings.Repeat("0", 64)}
		if key == "TREE" {
			v.policy[1] = "TREE=" + tree
		}
		v.after = []measure.Event{{Name: measure.EventImageDigest, Payload: must(hex.DecodeString(workload[7:]))}}
		e, p := v.evidence(t)
		e.Receipt = nil
		outcome(t, verify.Judge(t.Context(), e, p), 1, "E", name, report.Undecided)
	}
}

// TestCheckoutOfAnImage: a clone that can't be compared with the launch is named.
func TestCheckoutOfAnImage(t *testing.T) {
	v := newVM()
	v.compose, v.without, v.policy = imageCompose, []string{"COMMIT_SHA"}, []string{"IMAGE_DIGEST=" + workload}
	v.after = []measure.Event{{Name: measure.EventImageDigest, Payload: must(hex.DecodeString(workload[7:]))}}
	e, p := v.evidence(t)
	e.Receipt, p.Checkout = nil, &launch.Checkout{Commit: commit}
	outcome(t, verify.Judge(t.Context(), e, p), 1, "E", "clone", report.Undecided)
}

// TestImageMode: the image launcher's evidence, with its record and as the
// present MPC launcher writes it.
// SECURITY.md: E4.
func TestImageMode(t *testing.T) {
	record := &measure.ImageRecord{
		Launcher: "v1", ConfigSHA256: strings.Repeat("1", 64), Image: "nearone/mpc-node", ApprovedDigest: workload, ManifestDigest: workload,
		ConfigDigest: "sha256:" + strings.Repeat("2", 64), Platform: "linux/amd64", ContainerSHA256: strings.Repeat("3", 64),
	}
	digest := measure.Event{Name: measure.EventImageDigest, Payload: must(hex.DecodeString(workload[7:]))}
	other := measure.Event{Name: measure.EventImageDigest, Payload: make([]byte, 32)}
	launched := measure.Event{Name: measure.EventImageLaunch, Payload: marshal(t, record)}
	for name, tc := range map[string]struct {
		after []measure.Event
		code  int
		find  string
		o     report.Outcome
	}{
		"with record":           {[]measure.Event{digest, launched}, 0, "user config", report.Note},
		"digest alone":          {[]measure.Event{digest}, 0, "launch record", report.Note},
		"digest twice":          {[]measure.Event{digest, digest}, 4, "launch events", report.NotAllowed},
		"another digest":        {[]measure.Event{other}, 4, "image", report.NotAllowed},
		"two digests":           {[]measure.Event{digest, launched, other}, 4, "image", report.NotAllowed},
		"record without digest": {[]measure.Event{launched}, 4, "launch events", report.NotAllowed},
		"git, too":              {append([]measure.Event{digest, launched}, launchEvents(t, gitRecord())...), 4, "commit", report.NotAllowed},
		"nothing":               {[]measure.Event{{Name: "mine"}}, 4, "launch", report.NotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			v.compose = imageCompose
			v.without, v.policy = []string{"COMMIT_SHA"}, []string{"IMAGE_DIGEST=" + workload}
			v.after, v.record = tc.after, launched.Payload
			e, p := v.evidence(t)
			e.Receipt = nil // as from GetQuote
			outcome(t, verify.Judge(t.Context(), e, p), tc.code, "E", tc.find, tc.o)
		})
	}
}

const imageCompose = `
services:
  launcher:
    image: example.org/launcher@` + launcher + `
    environment: [PLATFORM=TEE, DOCKER_CONTENT_TRUST=1, "DEFAULT_IMAGE_DIGEST=` + workload + `"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock", "/var/run/dstack.sock:/var/run/dstack.sock", "/tapp:/tapp:ro", "shared-volume:/mnt/shared"]
    security_opt: ["no-new-privileges:true"]
    read_only: true
    tmpfs: [/tmp]
volumes:
  shared-volume:
    name: shared-volume
`
