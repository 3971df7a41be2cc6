package verify

import (
	"encoding/hex"
	"fmt"

	"gitlauncher/measure"
)

// record is one launch of the attested log.
type record struct {
	git    *measure.GitRecord
	image  *measure.ImageRecord
	digest string // image mode: sha256:…
	raw    []byte // nil for the present MPC launcher, which writes the digest alone
}

// maxLaunches is how many launches, and how many halves, are judged one by one. A
// boot has a few; anyone who reaches the socket can write any number.
const maxLaunches = 256

// launched is what the attested log says was launched.
type launched struct{ records []record }

// launched collects the launches after system-ready. Whatever is half a launch is a
// finding of its own: something else ran, or tried to.
func (j *judge) launched(boot boot) (l launched) {
	c, odds := j.check("E"), 0
	odd := func(found, why string) {
		if odds++; odds > maxLaunches {
			return // it is not allowed either way
		}
		c.notAllowed("launch events", "launches in their own form", found, why)
	}
	commits, digests := make(map[string]bool), make(map[string]int)
	for _, e := range boot.after {
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
			l.records = append(l.records, record{git: r, raw: e.Payload})
		case measure.EventImageLaunch:
			r, err := measure.ParseImageRecord(e.Payload)
			if err != nil {
				odd(fmt.Sprintf("an image-launch event whose payload begins with %.40q", e.Payload), err.Error())
				continue
			}
			l.records = append(l.records, record{image: r, digest: r.ApprovedDigest, raw: e.Payload})
		}
	}
	l.pair(boot, commits, digests, odd)
	for _, r := range l.records {
		shown := Launch{Mode: "image", Binding: measure.Recorded, Image: r.digest, Record: string(r.raw)}
		if r.git != nil {
			shown = Launch{Mode: "git", Binding: measure.Recorded, Commit: r.git.Commit, Repo: r.git.RepoURL, Record: string(r.raw)}
		}
		j.Launches = append(j.Launches, shown)
	}
	return l
}

// pair holds records and the events that announce them against each other. A digest
// without a record is a launch by the present MPC launcher.
func (l *launched) pair(boot boot, commits map[string]bool, digests map[string]int, odd func(found, why string)) {
	announced := make(map[string]bool)
	for _, r := range l.records {
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
	for _, e := range boot.after {
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
			l.records = append(l.records, record{digest: "sha256:" + id})
		}
	}
}
