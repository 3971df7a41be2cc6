package verify

import (
	"errors"

	"gitlauncher/config"
	"gitlauncher/internal/digest"
	"gitlauncher/verify/derivedimage"
)

// Derived is what package derivedimage found out about a launcher image.
type Derived struct {
	Image, Base digest.SHA256 // which it judged
	Config      []byte        // the config that the image adds to its base
	Err         error         // why it is not the base and a config, or why it could not be read
}

// derived judges the launcher's image where the policy knows the launcher that it was
// derived from, and returns the config that the image holds; nil where it is not known.
func (j *judge) derived(c check, image string) []byte {
	const name = "derived image"
	want, d := &j.Policy.LauncherBaseDigest, j.Derived
	var refused *derivedimage.RefusedError
	switch {
	case !want.Given():
		return nil
	case d == nil:
		c.undecided(name, "of "+want.String(), "", "there is no image to judge; give it and its base with --image")
	case d.Image.String() != image:
		c.undecided(name, image, d.Image.String(), "another image was judged than the one in the compose")
	case errors.As(d.Err, &refused):
		c.notAllowed(name, "of "+want.String(), image, "it is not the audited launcher and its config: "+d.Err.Error())
	case d.Err != nil:
		c.undecided(name, "of "+want.String(), image, "it could not be read: "+d.Err.Error())
	case !want.Allows(d.Base.String()):
		c.notAllowed(name, "of "+want.String(), "of "+d.Base.String(), "it was derived from another launcher")
	default:
		if _, err := config.ParseGit(config.DefaultFile, d.Config); err != nil {
			c.notAllowed(name, "a config that the launcher takes", "", err.Error())
			return nil
		}
		c.pass(name, "the audited launcher "+d.Base.String()+", and a config")
		return d.Config
	}
	return nil
}
