package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/measure"
	"gitlauncher/verify/compose"
)

// record is one launch of the attested log.
type record struct {
	git    *measure.GitRecord
	image  *measure.ImageRecord
	digest string // image mode: sha256:…
	raw    []byte // nil for the present MPC launcher, which writes the digest alone
}

// maxLaunches is how many launches, and how many halves, are judged one by one. A
// boot has a few; whoever reaches the socket can write any number.
const maxLaunches = 256

// readRecords collects the launches after system-ready. Whatever is half a
// launch is a finding of its own: something else ran, or tried to.
func (j *judgement) readRecords() {
	odds := 0
	odd := func(found, why string) {
		if odds++; odds > maxLaunches {
			return // it is not allowed either way
		}
		j.add("E", "launch events", NotAllowed, "launches in their own form", found, why)
	}
	commits, digests := make(map[string]bool), make(map[string]int)
	for _, e := range j.after {
		switch e.Name {
		case measure.EventCommit:
			commits[hex.EncodeToString(e.Payload)] = false
		case measure.EventImageDigest:
			digests["sha256:"+hex.EncodeToString(e.Payload)]++
		case measure.EventLaunch:
			r, err := measure.ParseGitRecord(e.Payload)
			if err != nil {
				odd(fmt.Sprintf("a git-launch event whose payload begins with %.40q", e.Payload), err.Error())
				continue
			}
			j.records = append(j.records, record{git: r, raw: e.Payload})
		case measure.EventImageLaunch:
			r, err := measure.ParseImageRecord(e.Payload)
			if err != nil {
				odd(fmt.Sprintf("an image-launch event whose payload begins with %.40q", e.Payload), err.Error())
				continue
			}
			j.records = append(j.records, record{image: r, digest: r.ApprovedDigest, raw: e.Payload})
		}
	}
	j.pair(commits, digests, odd)
	for _, r := range j.records {
		l := Launch{Mode: "image", Image: r.digest, Record: string(r.raw)}
		if r.git != nil {
			l = Launch{Mode: "git", Commit: r.git.Commit, Repo: r.git.RepoURL, Record: string(r.raw)}
		}
		j.Launches = append(j.Launches, l)
	}
}

// pair holds records and their announcing events together.
func (j *judgement) pair(commits map[string]bool, digests map[string]int, odd func(found, why string)) {
	announced := make(map[string]bool)
	for _, r := range j.records {
		switch {
		case r.git != nil:
			if _, ok := commits[r.git.Commit]; !ok {
				odd("a git-launch of "+r.git.Commit+" without its git-commit", "the launcher writes both, so it did not write this one")
			}
			commits[r.git.Commit] = true
		default:
			if digests[r.digest] == 0 {
				odd("an image-launch of "+r.digest+" without its mpc-image-digest", "the launcher writes both, so it did not write this one")
			}
			announced[r.digest] = true
		}
	}
	for _, e := range j.after {
		id := hex.EncodeToString(e.Payload)
		switch {
		case e.Name == measure.EventCommit && !commits[id]:
			odd("a git-commit "+id+" without a launch record", "another commit was announced, and may have run")
			commits[id] = true // said once
		case e.Name == measure.EventImageDigest && digests["sha256:"+id] > 1:
			odd("mpc-image-digest "+id+" more than once", "the launcher and the MPC contract want it exactly once")
			digests["sha256:"+id] = 1
		case e.Name == measure.EventImageDigest && !announced["sha256:"+id]:
			announced["sha256:"+id] = true
			j.records = append(j.records, record{digest: "sha256:" + id})
		}
	}
}

// imageMode reports whether the launch is, or is expected to be, image mode's.
func (j *judgement) imageMode() bool {
	for _, r := range j.records {
		if r.git != nil {
			return false
		}
	}
	return len(j.records) > 0 || j.Policy.Expects("IMAGE_DIGEST")
}

// launches is check E: the set of launches must be within what is expected.
func (j *judgement) launches() {
	if len(j.records) == 0 {
		outcome, why := Undecided, "the attested log has no launch"
		if j.prefix {
			why = "the quote was taken before anything was launched; ask for a launch receipt"
		} else if (j.Policy.Expects("COMMIT_SHA") || j.Policy.Expects("IMAGE_DIGEST")) && len(j.attested) > 0 {
			outcome, why = NotAllowed, "nothing was launched by the launcher in this boot"
		}
		j.add("E", "launch", outcome, strings.TrimSpace(j.Policy.expected("COMMIT_SHA")+" "+j.Policy.expected("IMAGE_DIGEST")), "none", why)
		return
	}
	digests := 0
	for i, r := range j.records {
		if i == maxLaunches {
			j.add("E", "launch events", NotAllowed, fmt.Sprintf("at most %d launches in a boot", maxLaunches), fmt.Sprint(len(j.records)), "the rest was not judged")
			break
		}
		if r.git != nil {
			j.gitLaunch(r)
			continue
		}
		digests++
		j.imageLaunch(r)
	}
	if digests > 1 {
		j.add("E", "one image a boot", NotAllowed, "one", fmt.Sprint(digests), "the image changed without a reboot of the VM")
	}
}

// link judges what every launch needs an expectation for.
func (j *judgement) link(name, key, other, found string) {
	if !j.Policy.Expects(key) && j.Policy.Expects(other) {
		j.add("E", name, NotAllowed, "no launch but of "+other, found, "something else than the expected was launched in this boot, too")
		return
	}
	j.expect("E", name, key, found, "something else than the expected was launched in this boot", "nothing says which launch is the right one")
}

func (j *judgement) gitLaunch(r record) {
	g := r.git
	j.link("commit", "COMMIT_SHA", "IMAGE_DIGEST", g.Commit)
	j.optional("E", "repository", "REPO_URL", g.RepoURL, "another repository")
	j.optional("E", "tree", "TREE", g.Tree, "another tree")
	j.optional("E", "content", "CONTENT_SHA256", g.ContentSHA256, "other content")
	j.optional("E", "config hash", "CONFIG_SHA256", g.ConfigSHA256, "another config")
	j.entry("sub-directory", "REPO_SUBDIR", g.Subdir, "")
	if g.Advanced {
		j.entry("run command", "RUN_CMD", g.RunCmd, "")
		j.entry("install command", "INSTALL_CMD", g.InstallCmd, "")
		j.instead("entry script", "ENTRYPOINT_SCRIPT", "a command: "+g.RunCmd, "a command was run instead of the script")
		j.instead("entry script's bytes", "ENTRYPOINT_SHA256", "a command: "+g.RunCmd, "a command was run instead of the script")
	} else {
		j.entry("entry script", "ENTRYPOINT_SCRIPT", g.Entrypoint, config.DefaultScript)
		j.optional("E", "entry script's bytes", "ENTRYPOINT_SHA256", g.EntrypointSHA256, "another script")
		j.instead("run command", "RUN_CMD", "the script "+g.Entrypoint, "a script was run instead of the command")
		if !j.Policy.match("INSTALL_CMD", "") {
			j.instead("install command", "INSTALL_CMD", "the script "+g.Entrypoint, "a script was run, and no command before it")
		}
	}
	j.sameConfig(g)
	j.checkout(g)
}

// instead reports what is expected of the other of default and advanced mode.
func (j *judgement) instead(name, key, found, why string) {
	if j.Policy.Expects(key) {
		j.add("E", name, NotAllowed, j.Policy.expected(key), found, why)
	}
}

// entry judges what of the commit ran. What differs from the launcher's default
// needs an expectation, since the commit alone does not say it.
func (j *judgement) entry(name, key, found, byDefault string) {
	pinned := j.Policy.Expects("CONFIG_SHA256") || j.Policy.Expects("COMPOSE_HASH") && j.configMeasured()
	switch {
	case j.Policy.Expects(key):
		if j.Policy.match(key, found) {
			j.add("E", name, Pass, "", show(found), "")
		} else {
			j.add("E", name, NotAllowed, j.Policy.expected(key), show(found), "something else of the commit was run")
		}
	case found == byDefault || pinned:
		j.add("E", name, Pass, "", show(found), "")
	default:
		j.add("E", name, Undecided, "", show(found), "no "+key+" is expected, and the commit alone does not say it; CONFIG_SHA256 or COMPOSE_HASH would do, too")
	}
}

// configMeasured reports whether the launcher's config can only be of the compose
// or of the launcher's image: its service has nothing that was let pass by name.
func (j *judgement) configMeasured() bool {
	return j.compose != nil && !slices.ContainsFunc(j.compose.Problems, func(p compose.Problem) bool {
		return p.Accepted && strings.HasPrefix(p.Accept, "launcher:")
	})
}

func show(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// sameConfig holds the record's config against the one in the compose.
func (j *judgement) sameConfig(g *measure.GitRecord) {
	if j.compose == nil || j.compose.Config == nil {
		return
	}
	sum := sha256.Sum256(j.compose.Config)
	want := hex.EncodeToString(sum[:])
	if g.ConfigSHA256 != want {
		j.add("E", "config of the compose", NotAllowed, want, g.ConfigSHA256, "the launch used another config than the one in the measured compose")
		return
	}
	j.add("E", "config of the compose", Pass, "", "is the one of the launch", "")
}

// checkout holds the record against a local clone.
func (j *judgement) checkout(g *measure.GitRecord) {
	c := j.Checkout
	if c == nil {
		return
	}
	same := func(name, want, found string) {
		if want == found {
			j.add("E", name, Pass, "", found, "")
		} else {
			j.add("E", name, NotAllowed, want, found, "the local clone has something else than what was launched")
		}
	}
	if c.Commit != g.Commit {
		same("clone's commit", c.Commit, g.Commit)
		return
	}
	same("clone's tree", c.Tree, g.Tree)
	same("clone's content", c.ContentSHA256, g.ContentSHA256)
	if !g.Advanced {
		found, err := c.EntrySHA256(path.Join(g.Subdir, g.Entrypoint))
		if err != nil {
			found = err.Error()
		}
		same("clone's entry script", found, g.EntrypointSHA256)
	}
}

func (j *judgement) imageLaunch(r record) {
	j.link("image", "IMAGE_DIGEST", "COMMIT_SHA", r.digest)
	if r.image == nil {
		j.optional("E", "config hash", "CONFIG_SHA256", "", "")
		j.add("E", "launch record", Note, "", "none", "this is evidence of the present MPC launcher, which measures the digest alone; it is judged by that")
	} else {
		j.optional("E", "config hash", "CONFIG_SHA256", r.image.ConfigSHA256, "another user config")
		j.add("E", "container", Note, "", fmt.Sprintf("%s (%s), manifest %s", r.image.Image, r.image.Platform, r.image.ManifestDigest), "")
	}
	if !j.Policy.Expects("CONFIG_SHA256") {
		j.add("E", "user config", Note, "", "not judged", "whoever deploys writes it: the node's settings, its ports, and variables. CONFIG_SHA256 can expect it where there is a launch record")
	}
	for _, key := range []string{"REPO_URL", "REPO_SUBDIR", "ENTRYPOINT_SCRIPT", "RUN_CMD", "INSTALL_CMD", "TREE", "CONTENT_SHA256", "ENTRYPOINT_SHA256"} {
		if j.Policy.Expects(key) && !j.Policy.Expects("COMMIT_SHA") {
			j.add("E", key, Undecided, j.Policy.expected(key), "", "an image was launched; only a launch of a commit has this")
		}
	}
	if j.Checkout != nil {
		j.add("E", "clone", Undecided, "a commit", r.digest, "an image was launched, and --checkout has nothing to hold it against")
	}
	for _, e := range j.attested {
		if (e.Name == measure.EventImageDigest || e.Name == "compose-hash" || e.Name == "key-provider") && e.Version != 1 {
			j.add("E", "log version", Note, "", fmt.Sprintf("%s is of version %d", e.Name, e.Version), "NEAR's contract takes version 1 alone")
		}
	}
}

// freshness judges the quote's report data. It says when the quote was made, and
// nothing about what ran: any process with the socket can ask for such a quote.
func (j *judgement) freshness() {
	const name = "report data"
	found := hex.EncodeToString(j.quote.ReportData[:])
	if claimed := j.evidence.Claims.ReportData; claimed != "" && !strings.EqualFold(strings.TrimRight(strings.TrimPrefix(claimed, "0x"), "0"), strings.TrimRight(found, "0")) {
		j.add("E", "report data beside the quote", Invalid, found, claimed, "the evidence contradicts itself")
	}
	j.optional("E", name, "REPORT_DATA", found, "the quote was made for something else")
	r := j.evidence.Receipt
	if r == nil {
		if j.Policy.Expects("NONCE") {
			j.add("E", "nonce", NotAllowed, j.Policy.expected("NONCE"), "", "only a launch receipt holds a nonce; ask for “git-launcher receipt --nonce HEX”")
		} else if !j.Policy.Expects("REPORT_DATA") {
			j.add("E", name, Note, "", found, "shown, not judged")
		}
		return
	}
	nonce, err := hex.DecodeString(r.Nonce)
	if err != nil {
		j.add("E", "nonce", Invalid, "hex", r.Nonce, "the receipt's nonce is not hex")
		return
	}
	want := measure.ReportData(nonce, []byte(r.Record))
	if !bytes.Equal(want[:], j.quote.ReportData[:]) {
		j.add("E", "receipt", Invalid, hex.EncodeToString(want[:]), found, "the quote was not made for this receipt's nonce and record")
		return
	}
	known := false
	for _, rec := range j.records {
		known = known || rec.raw != nil && string(rec.raw) == r.Record
	}
	if known {
		j.add("E", "receipt", Pass, "", "the quote is over its nonce and record, and the record is in the register", "")
	} else if len(j.attested) > 0 {
		j.add("E", "receipt", Invalid, "a record of the attested log", "", "the receipt's record is not in the register: nothing says that it was launched")
	}
	if j.Policy.Expects("NONCE") {
		j.expect("E", "nonce", "NONCE", hex.EncodeToString(nonce), "the receipt is not the one that was asked for; it may be old", "")
	} else {
		j.add("E", "nonce", Note, "", show(hex.EncodeToString(nonce)), "no NONCE is expected: how fresh the receipt is was not judged")
	}
}
