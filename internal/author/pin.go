package author

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/step"
	"gitlauncher/measure"
)

// ImagePlaceholder stands for a launcher image that was not named.
const ImagePlaceholder = "registry.example/git-launcher@sha256:0000000000000000000000000000000000000000000000000000000000000000"

// Wish is what an author wants deployed besides the commit.
type Wish struct {
	Image   string   // the launcher image with its digest, or empty
	OSImage string   // the VM's OS image, by name or os_image_hash, or empty
	Sets    []string // further lines of the config
	Envs    []string // variables that are passed on to the workload, unmeasured
}

// Check refuses what could not be deployed, before anything is fetched. Its errors name
// flags, and are [*step.UsageError].
func (w *Wish) Check() error {
	if w.Image != "" && imageDigest(w.Image) == "" {
		return step.Usagef("--image must name the image by digest: registry/name@sha256:<64 hex>")
	}
	if w.OSImage != "" && !osHash().MatchString(w.OSImage) && !slices.Contains(systems, w.OSImage) {
		return step.Usagef("--os-image %.100q is neither an image's name that is known here (%s), nor an os_image_hash of 64 lowercase hexadecimal digits", w.OSImage, strings.Join(systems, ", "))
	}
	for _, name := range w.Envs {
		if _, err := config.ParseVariable(name); err != nil {
			return step.Usagef("--env %v", err)
		}
	}
	for _, line := range w.Sets {
		if strings.Contains(line, "\n") {
			return step.Usagef("--set has more than one line; give it once for each key")
		}
	}
	return nil
}

// osHash matches an os_image_hash.
var osHash = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) })

// imageDigest returns the digest by which an image is named, or "".
func imageDigest(image string) string {
	_, name, _ := strings.Cut(image, "@")
	if _, err := digest.Parse(name); err != nil {
		return ""
	}
	return name
}

// Config is a config, as text and parsed.
type Config struct {
	Text string
	*config.Git
}

// ownLines is how many lines of a config this package writes; the author's follow.
const ownLines = 2

// Config returns a config that pins a commit. An error in a line that the author gave
// is a [*step.UsageError] that names the flag: there is no file to look at.
func (w *Wish) Config(repo config.RepoURL, commit object.ID) (*Config, error) {
	lines := append([]string{"REPO_URL=" + repo.String(), "COMMIT_SHA=" + commit.String()}, w.Sets...)
	c, err := parse(strings.Join(lines, "\n") + "\n")
	var refused *config.Error
	if errors.As(err, &refused) && refused.Line > ownLines {
		key, _, _ := strings.Cut(w.Sets[refused.Line-ownLines-1], "=")
		return nil, step.Usagef("--set %.100q %s", key, refused.Reason)
	}
	return c, err
}

func parse(text string) (*Config, error) {
	cfg, err := config.ParseGit("config", []byte(text))
	return &Config{text, cfg}, err
}

// Text is one of the three texts, with its name and that of the file that it belongs
// in.
type Text struct{ Name, File, Text string }

// Texts returns config, compose file and policy for a commit that was proven. record
// returns the launch record of a config with that SHA-256. The config also gets the
// hashes of what the commit holds, so that a launch and a verifier rely on more than
// the commit's id, which may be of SHA-1.
func (w *Wish) Texts(c *Config, record func(cfg *config.Git, configSHA256 string) ([]byte, error)) ([]Text, error) {
	c, err := c.withHashes(record)
	if err != nil {
		return nil, err
	}
	launched, err := record(c.Git, digest.Of([]byte(c.Text)).Hex())
	if err != nil {
		return nil, err
	}
	image, envs := w.Image, append(c.Auth.Variables(), w.Envs...)
	if image == "" {
		image = ImagePlaceholder
	}
	compose := Compose(c.Text, image, envs)
	expected := Expectations{Config: c.Git, Record: launched, ImageDigest: imageDigest(w.Image), OSImage: w.OSImage, Envs: envs}
	if w.Image != "" { // else the file has a placeholder, and is not the one that is deployed
		expected.ComposeSHA256 = digest.Of([]byte(compose)).Hex()
	}
	policy, err := expected.Policy()
	if err != nil {
		return nil, step.At(step.Policy, err)
	}
	return []Text{{"config", "config.conf", c.Text}, {"compose", "docker-compose.yaml", compose}, {"policy", "policy.conf", string(policy)}}, nil
}

// withHashes returns the config with the hashes that the record has and the config
// lacks.
func (c *Config) withHashes(record func(*config.Git, string) ([]byte, error)) (*Config, error) {
	launched, err := record(c.Git, "")
	if err != nil {
		return nil, err
	}
	r, err := measure.ParseGitRecord(launched)
	if err != nil {
		return nil, step.At(step.MakeConfig, err)
	}
	text := c.Text
	if c.ContentSHA256.IsZero() {
		text += "CONTENT_SHA256=" + r.ContentSHA256 + "\n"
	}
	if c.EntrypointSHA256.IsZero() && !r.Advanced {
		text += "ENTRYPOINT_SHA256=" + r.EntrypointSHA256 + "\n"
	}
	hashed, err := parse(text)
	return hashed, step.At(step.MakeConfig, err)
}
