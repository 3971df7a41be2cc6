package app

import (
	"errors"

	"gitlauncher/config"
	"gitlauncher/internal/digest"
	"gitlauncher/verify/derivedimage"
	"gitlauncher/verify/report"
)

// Derived is what package derivedimage found out about a launcher image.
type Derived struct {
	Image, Base digest.SHA256 // which it judged
	Config      []byte        // the config that the image adds to its base
	Err         error         // why it is not the base and a config, or why it could not be read
}

// judge judges the launcher's image if the policy says which launcher it was derived
// from. It returns the config that the image holds, or nil if that is not known.
func (d *Derived) judge(c report.Check, image string) []byte {
	const name = "derived image"
	want := &c.Policy.LauncherBaseDigest
	var refused *derivedimage.RefusedError
	switch {
	case !want.Given():
		return nil
	case d == nil:
		c.Undecided(name, "of "+want.String(), "", "there is no image to judge; give it and its base with --image")
	case d.Image.String() != image:
		c.Undecided(name, image, d.Image.String(), "another image was judged than the one in the compose")
	case errors.As(d.Err, &refused):
		c.NotAllowed(name, "of "+want.String(), image, "it is not the audited launcher and its config: "+d.Err.Error())
	case d.Err != nil:
		c.Undecided(name, "of "+want.String(), image, "it could not be read: "+d.Err.Error())
	case !want.Allows(d.Base.String()):
		c.NotAllowed(name, "of "+want.String(), "of "+d.Base.String(), "it was derived from another launcher")
	default:
		if _, err := config.ParseGit(config.DefaultFile, d.Config); err != nil {
			c.NotAllowed(name, "a config that the launcher takes", "", err.Error())
			return nil
		}
		c.Pass(name, "the audited launcher "+d.Base.String()+", and a config")
		return d.Config
	}
	return nil
}
