package author

import (
	"strings"

	"gitlauncher/config"
	"gitlauncher/measure"
	"gitlauncher/policy"
)

// Expectations is what a relying party may expect of a launch before it happens.
type Expectations struct {
	Config        *config.Git
	Record        []byte   // the launch record
	ImageDigest   string   // the launcher image's; empty if it is not known yet
	OSImage       string   // the VM's, by name or os_image_hash; empty if it is not known yet
	ComposeSHA256 string   // of the compose file that deploys the config; empty if it is not known yet
	Envs          []string // variables that may have any value at deployment
}

// Policy returns a policy with the config's settings and the digests of the launch
// record. It leaves open what an author can't vouch for, and says so: a relying party
// takes that from somebody other than the deployer.
func (e Expectations) Policy() ([]byte, error) {
	r, err := measure.ParseGitRecord(e.Record)
	if err != nil {
		return nil, err
	}
	var w policy.Writer
	opt := func(key, value string) {
		if value != "" {
			w.Line(key, value)
		}
	}
	cfg := e.Config
	w.Line("REPO_URL", cfg.Repo.String())
	w.Line("COMMIT_SHA", cfg.Commit.String())
	opt("REPO_SUBDIR", cfg.Subdir.String())
	if cfg.Advanced == nil {
		w.Line("ENTRYPOINT_SCRIPT", cfg.Script.String())
	} else {
		w.Line("RUN_CMD", cfg.Advanced.RunCmd)
		w.Line("INSTALL_CMD", cfg.Advanced.InstallCmd)
	}
	opt("CONFIG_SHA256", r.ConfigSHA256)
	opt("TREE", r.Tree)
	opt("CONTENT_SHA256", r.ContentSHA256)
	opt("ENTRYPOINT_SHA256", r.EntrypointSHA256)
	opt("LAUNCHER_IMAGE_DIGEST", e.ImageDigest)
	opt("DOCKER_COMPOSE_SHA256", e.ComposeSHA256)
	if osHash().MatchString(e.OSImage) {
		w.Line("OS_IMAGE_HASH", e.OSImage)
	} else {
		opt("OS_IMAGE", e.OSImage)
	}
	if len(e.Envs) == 0 {
		w.None("ALLOWED_ENVS")
	}
	for _, name := range e.Envs {
		w.Line("ALLOWED_ENVS", name)
	}
	w.Comment(e.missing())
	return w.Bytes(), nil
}

// missing returns what is left to add, as text for comments.
func (e Expectations) missing() string {
	var add []string
	if e.OSImage == "" {
		add = append(add, "the dstack OS image, as OS_IMAGE=dstack-0.6.6\nor as OS_IMAGE_HASH= with the hash of its release page")
	}
	if e.ImageDigest == "" {
		add = append(add, "LAUNCHER_IMAGE_DIGEST, the launcher image that was audited")
	}
	text := ""
	if len(add) > 0 {
		text = "Still to add, or the verdict stays UNDECIDED: " + strings.Join(add, ",\nand ") + ".\n"
	}
	text += `The ACPI tables that the host made, unless they are known as those of a kind of VM:
“git-launcher-verify system receipt.json” prints them, and whether they are known.
ACPI_TABLES=
`
	if e.ComposeSHA256 == "" {
		text += "What `sha256sum docker-compose.yaml` prints for the file that is deployed:\nDOCKER_COMPOSE_SHA256=\n"
	}
	return text + `For a receipt that is fetched by its address and binds no key: the verdict then does not
say whom one talks to.
ENDPOINT=unbound
Who holds the keys of the disk and of the application, unless nobody does (none):
KEY_PROVIDER=
With a key provider, the disk outlives the boot. Whether it is fine that what an earlier
compose file of this application left there runs beside this one:
PERSISTENT_DISK=accepted`
}
