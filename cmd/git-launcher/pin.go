package main

import (
	"context"
	"flag"
	"os"
	"path"
	"strings"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/internal/digest"
	"gitlauncher/measure"
)

// authoring is what the author's commands take beside the launcher's settings.
type authoring struct {
	repo, ref string             // pin's arguments
	image     string             // launcher image with its digest, or empty
	osImage   string             // the VM's OS image, by name or os_image_hash, or empty
	print     string             // config, compose, policy or all
	out       string             // directory for the three as files, or empty
	sets      []string           // further lines of the config
	envs      []string           // variables that are passed on to the workload, unmeasured
	compose   string             // check's: the compose file that deploys the config, or empty
	auth      gitpin.Credentials // of the author, on this machine
	history   bool               // look whether the commit is in the history of a branch or tag
}

// imagePlaceholder stands where no image was named.
const imagePlaceholder = "registry.example/git-launcher@sha256:0000000000000000000000000000000000000000000000000000000000000000"

// flags defines the flags of the author's commands, for those alone.
func (a *authoring) flags(command string, fs *flag.FlagSet) {
	if command == "check" || command == "pin" {
		fs.BoolVar(&a.history, "history", false, "")
	}
	if command == "check" {
		fs.StringVar(&a.compose, "compose", "", "")
	}
	if command == "pin" {
		fs.StringVar(&a.image, "image", "", "")
		fs.StringVar(&a.osImage, "os-image", "", "")
		fs.StringVar(&a.print, "print", "all", "")
		fs.StringVar(&a.out, "out", "", "")
		fs.Func("env", "", func(name string) error { a.envs = append(a.envs, name); return nil })
		fs.Func("set", "", func(line string) error { a.sets = append(a.sets, line); return nil })
		fs.StringVar(&a.auth.TokenFile, "auth-token-file", "", "")
		fs.StringVar((*string)(&a.auth.Scheme), "auth-scheme", string(config.Basic), "")
		fs.StringVar(&a.auth.TLSCAFile, "tls-ca-file", "", "")
		fs.StringVar(&a.auth.TLSCertFile, "tls-client-cert-file", "", "")
		fs.StringVar(&a.auth.TLSKeyFile, "tls-client-key-file", "", "")
		fs.StringVar(&a.auth.SSHKeyFile, "ssh-key-file", "", "")
		fs.StringVar(&a.auth.KnownHostsFile, "ssh-known-hosts-file", "", "")
	}
}

// check reads pin's arguments.
func (a *authoring) check(args []string) error {
	switch {
	case len(args) < 1 || len(args) > 2:
		return &usageError{"pin takes REPO_URL and, if wanted, a branch, a tag or a commit (flags come before them)"}
	case a.print != "all" && a.print != "config" && a.print != "compose" && a.print != "policy":
		return &usageError{"--print is not config, compose, policy or all"}
	case a.image != "" && imageDigest(a.image) == "":
		return &usageError{"--image must name the image by digest: registry/name@sha256:<64 hex>"}
	case a.osImage != "" && !osImage.MatchString(a.osImage):
		return &usageError{"--os-image is neither an image's name, as dstack-0.6.6, nor its os_image_hash of 64 lowercase hexadecimal digits"}
	}
	for _, name := range a.envs {
		if err := passable(name); err != nil {
			return err
		}
	}
	if a.repo = args[0]; len(args) == 2 {
		a.ref = args[1]
	}
	return nil
}

// pin turns a branch or a tag into its commit, proves that commit as a launch would,
// and prints what a deployment needs.
func (l *launch) pin(ctx context.Context) error {
	repo, err := config.ParseRepoURL(l.repo)
	if err != nil {
		return at("read the command line", &usageError{"REPO_URL " + err.Error()})
	}
	if err := fits(repo, l.auth); err != nil {
		return at("read the command line", err)
	}
	params := l.pinParams(&config.Git{Repo: repo}, "", l.auth)
	ref, err := gitpin.Resolve(ctx, params, l.ref)
	if err != nil {
		return at("resolve the name", err)
	}
	if ref.Name != "" {
		l.log.Info(ref.Name + " is commit " + ref.Commit.String() + " now; the commit is what gets pinned")
	}
	text := configText(repo, ref, l.sets)
	cfg, err := config.ParseGit("config", []byte(text))
	if err != nil {
		return at("make the config", err)
	}
	var parts []part
	err = l.prove(ctx, cfg, l.auth, func(c *gitpin.Checkout) (err error) {
		parts, err = l.parts(text, cfg, c)
		return err
	})
	if err != nil {
		return err
	}
	return at("write the result", l.writeParts(parts))
}

// parts makes config, compose file and policy for a commit that was proven. To the
// config's own lines come the hashes of what the commit holds, so that a launch and a
// verifier lean on more than the commit's id, which is of SHA-1.
func (l *launch) parts(text string, cfg *config.Git, c *gitpin.Checkout) ([]part, error) {
	record, err := l.record(cfg, "", c)
	if err != nil {
		return nil, at("check the entry script", err)
	}
	r, err := measure.ParseGitRecord(record)
	if err != nil {
		return nil, at("make the config", err)
	}
	if cfg.ContentSHA256.IsZero() {
		text += "CONTENT_SHA256=" + r.ContentSHA256 + "\n"
	}
	if cfg.EntrypointSHA256.IsZero() && !r.Advanced {
		text += "ENTRYPOINT_SHA256=" + r.EntrypointSHA256 + "\n"
	}
	if cfg, err = config.ParseGit("config", []byte(text)); err != nil {
		return nil, at("make the config", err)
	}
	if record, err = l.record(cfg, digest.Of([]byte(text)).Hex(), c); err != nil {
		return nil, at("check the entry script", err)
	}
	image, envs := l.image, append(cfg.Auth.Variables(), l.envs...)
	if image == "" {
		image = imagePlaceholder
	}
	compose := composeText(text, image, envs)
	expected := expectations{config: cfg, record: record, imageDigest: imageDigest(l.image), osImage: l.osImage, envs: envs}
	if l.image != "" { // else the file has a placeholder, and is not what gets deployed
		expected.composeSHA256 = digest.Of([]byte(compose)).Hex()
	}
	policy, err := expected.policy()
	if err != nil {
		return nil, at("write the policy", err)
	}
	return []part{{"config", "config.conf", text}, {"compose", "docker-compose.yaml", compose}, {"policy", "policy.conf", string(policy)}}, nil
}

// part is one of the texts that pin makes.
type part struct{ name, file, text string }

// writeParts writes the parts into a directory, or prints those that are wanted.
func (l *launch) writeParts(parts []part) error {
	if l.authoring.out != "" {
		if err := os.MkdirAll(l.authoring.out, 0o755); err != nil {
			return err
		}
		dir, err := os.OpenRoot(l.authoring.out)
		if err != nil {
			return err
		}
		defer dir.Close()
		for _, p := range parts {
			if err := dir.WriteFile(p.file, []byte(p.text), 0o644); err != nil {
				return err
			}
			l.log.Info("wrote " + path.Join(l.authoring.out, p.file))
		}
		return nil
	}
	var shown []string
	for _, p := range parts {
		if l.print == "all" {
			shown = append(shown, "# "+p.file+"\n"+p.text)
		} else if l.print == p.name {
			shown = append(shown, p.text)
		}
	}
	_, err := l.stdout.Write([]byte(strings.Join(shown, "\n")))
	return err
}

// fits holds the author's credentials to what a config holds those in the VM to.
func fits(repo config.RepoURL, auth gitpin.Credentials) error {
	tls := auth.TLSCAFile != "" || auth.TLSCertFile != "" || auth.TLSKeyFile != ""
	ssh := auth.SSHKeyFile != "" || auth.KnownHostsFile != ""
	switch {
	case auth.TokenFile != "" && repo.Scheme != config.HTTPS && !(repo.Scheme == config.HTTP && repo.Loopback()):
		return &usageError{"--auth-token-file is for https:// repositories only"}
	case auth.Scheme != config.Basic && auth.Scheme != config.Bearer:
		return &usageError{"--auth-scheme is neither basic nor bearer"}
	case auth.Scheme == config.Bearer && (auth.TokenFile == "" || repo.User != ""):
		return &usageError{"--auth-scheme bearer needs --auth-token-file, and an address without a user"}
	case tls && repo.Scheme != config.HTTPS:
		return &usageError{"--tls-ca-file, --tls-client-cert-file and --tls-client-key-file are for https:// repositories only"}
	case auth.TLSKeyFile != "" && auth.TLSCertFile == "":
		return &usageError{"--tls-client-key-file needs --tls-client-cert-file"}
	case ssh && repo.Scheme != config.SSH:
		return &usageError{"--ssh-key-file and --ssh-known-hosts-file are for ssh repositories only"}
	case repo.Scheme == config.SSH && (auth.SSHKeyFile == "" || auth.KnownHostsFile == ""):
		return &usageError{"an ssh repository needs --ssh-key-file and --ssh-known-hosts-file"}
	}
	return nil
}

func configText(repo config.RepoURL, ref gitpin.Ref, sets []string) string {
	return strings.Join(append([]string{"REPO_URL=" + repo.String(), "COMMIT_SHA=" + ref.Commit.String()}, sets...), "\n") + "\n"
}

// imageDigest returns the digest that an image is named by, or nothing.
func imageDigest(image string) string {
	_, name, _ := strings.Cut(image, "@")
	if _, err := digest.Parse(name); err != nil {
		return ""
	}
	return name
}
