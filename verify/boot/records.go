package boot

import (
	"encoding/hex"
	"fmt"
	"slices"

	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/report"
)

// Record is one launch of the attested log.
type Record struct {
	Git    *measure.GitRecord
	Image  *measure.ImageRecord
	Digest string // image mode: sha256:…
	Raw    []byte // nil for the present MPC launcher, which writes only the digest
}

// MaxLaunches is how many launches, and how many half launches, are judged one by one.
// A boot has a few, but anyone who reaches the socket can write any number.
const MaxLaunches = 256

// Records are the launches of the attested log, in its order.
type Records []Record

// ImageMode reports whether the launches are image mode's. If nothing was launched, the
// policy decides.
func (r Records) ImageMode(by *policy.Policy) bool {
	if len(r) == 0 {
		return by.ImageDigest.Given()
	}
	return !slices.ContainsFunc(r, func(r Record) bool { return r.Git != nil })
}

// Launches is the part of check E that reads the launches after system-ready. Half a
// launch is a finding: something else ran, or tried to.
func (l Log) Launches(c report.Check) (records Records) {
	odds := 0
	odd := func(found, why string) {
		if odds++; odds > MaxLaunches {
			return // the findings before this one refuse the evidence already
		}
		c.NotAllowed("launch events", "launches in their own form", found, why)
	}
	commits, digests := make(map[string]bool), make(map[string]int)
	for _, e := range l.After {
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
			records = append(records, Record{Git: r, Raw: e.Payload})
		case measure.EventImageLaunch:
			r, err := measure.ParseImageRecord(e.Payload)
			if err != nil {
				odd(fmt.Sprintf("an image-launch event whose payload begins with %.40q", e.Payload), err.Error())
				continue
			}
			records = append(records, Record{Image: r, Digest: r.ApprovedDigest, Raw: e.Payload})
		}
	}
	records = l.pair(records, commits, digests, odd)
	for _, r := range records {
		shown := report.Launch{Mode: "image", Binding: measure.Recorded, Image: r.Digest, Record: string(r.Raw)}
		if r.Git != nil {
			shown = report.Launch{Mode: "git", Binding: measure.Recorded, Commit: r.Git.Commit, Repo: r.Git.RepoURL, Record: string(r.Raw)}
		}
		c.Launched(shown)
	}
	return records
}

// pair matches records with the events that announce them. A digest without a record is
// a launch by the present MPC launcher.
func (l Log) pair(records Records, commits map[string]bool, digests map[string]int, odd func(found, why string)) Records {
	announced := make(map[string]bool)
	for _, r := range records {
		switch {
		case r.Git != nil:
			if _, ok := commits[r.Git.Commit]; !ok {
				odd("a git-launch of "+r.Git.Commit+" without its git-commit", "the launcher writes both, so it did not write this one")
			}
			commits[r.Git.Commit] = true
		default:
			if digests[r.Digest] == 0 {
				odd("an image-launch of "+r.Digest+" without its mpc-image-digest", "the launcher writes both, so it did not write this one")
			}
			announced[r.Digest] = true
		}
	}
	for _, e := range l.After {
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
			records = append(records, Record{Digest: "sha256:" + id})
		}
	}
	return records
}
