package compose

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/config"
)

// conclude finds out whether the compose pins the launch: whether nothing but what it
// holds can be launched, so that no record of a launch is needed.
func (j *judge) conclude() {
	slices.Sort(j.Accepted)
	j.Accepted = slices.Compact(j.Accepted)
	if j.Service == "" {
		j.Unpinned = append(j.Unpinned, j.NoService)
		return
	}
	service := j.model.Services[j.Service]
	if j.ImageDigest == "" {
		j.unpinned("the launcher's image is not named by digest")
	}
	if service["read_only"] != true {
		j.unpinned("the launcher's container is not read-only, so that what an earlier boot left there can run in its stead")
	}
	for _, e := range j.Accepted {
		if strings.HasPrefix(e, "launcher:") {
			j.unpinned(fmt.Sprintf("the exception %.100s was needed", e))
		}
	}
	open := j.onlyOpen()
	switch {
	case j.Measure == "record":
		j.unpinned("--measure record asks for a record")
	case j.expect.Image && j.DefaultImageDigest == "":
		j.unpinned("the compose holds no DEFAULT_IMAGE_DIGEST")
	case j.expect.Image && !j.noApproved:
		j.unpinned("a file of approved digests is consulted: the compose does not have --approved none")
	case !j.expect.Image && j.Config == nil:
		j.PinnedByImage = len(j.Unpinned) == 0
		j.unpinned("the config is not in the compose")
	case !j.expect.Image && !j.ConfigFromEnv:
		j.unpinned("the config comes by configs, which no read-only container takes, and not by " + config.ConfigVariable)
	}
	j.Pinned = len(j.Unpinned) == 0
	j.PinOpen = open && len(j.Unpinned) == 1
}

// onlyOpen adds a reason if the launcher's service has Problems that are not accepted,
// and reports whether lines of the policy would settle all of them.
func (j *judge) onlyOpen() bool {
	there, open := false, true
	for _, p := range j.Problems {
		if strings.HasPrefix(p.Name, "launcher:") && !p.Accepted {
			there, open = true, open && p.Open
		}
	}
	if !there {
		return false
	}
	j.unpinned("the launcher's service has something that is not accepted")
	return open
}

func (j *judge) unpinned(why string) { j.Unpinned = append(j.Unpinned, why) }
