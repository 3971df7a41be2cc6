package main

import (
	"slices"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/internal/gitmode"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/step"
)

// pinSettings has what pin takes besides the launcher's settings.
type pinSettings struct{ gitmode.PinRequest }

func (p *pinSettings) flags(f launcherflags.Destinations) {
	f.Text(&p.Wish.Image, "image", "")
	f.Text(&p.Wish.OSImage, "os-image", "")
	f.Each("env", func(name string) error { p.Wish.Envs = append(p.Wish.Envs, name); return nil })
	f.Each("set", func(line string) error { p.Wish.Sets = append(p.Wish.Sets, line); return nil })
	f.Text(&p.Print, "print", "all")
	f.Text(&p.Out, "out", "")
	f.Text(&p.Auth.TokenFile, "auth-token-file", "")
	f.Text((*string)(&p.Auth.Scheme), "auth-scheme", string(config.Basic))
	f.Text(&p.Auth.TLSCAFile, "tls-ca-file", "")
	f.Text(&p.Auth.TLSCertFile, "tls-client-cert-file", "")
	f.Text(&p.Auth.TLSKeyFile, "tls-client-key-file", "")
	f.Text(&p.Auth.SSHKeyFile, "ssh-key-file", "")
	f.Text(&p.Auth.KnownHostsFile, "ssh-known-hosts-file", "")
}

func (p *pinSettings) check(args []string) (err error) {
	if len(args) < 1 || len(args) > 2 {
		return step.Usagef("pin takes REPO_URL and, if wanted, a branch, a tag or a commit (flags come before them)")
	}
	if !slices.Contains([]string{"all", "config", "compose", "policy"}, p.Print) {
		return step.Usagef("--print is not config, compose, policy or all")
	}
	if err := p.Wish.Check(); err != nil {
		return err
	}
	if p.Repo, err = config.ParseRepoURL(args[0]); err != nil {
		return step.Usagef("REPO_URL %v", err)
	}
	if len(args) == 2 {
		p.Ref = args[1]
	}
	return fits(p.Repo, p.Auth)
}

// fits checks the author's credentials by the rules that a config's credentials follow.
func fits(repo config.RepoURL, auth gitpin.Credentials) error {
	tls := auth.TLSCAFile != "" || auth.TLSCertFile != "" || auth.TLSKeyFile != ""
	ssh := auth.SSHKeyFile != "" || auth.KnownHostsFile != ""
	switch {
	case auth.TokenFile != "" && repo.Scheme != config.HTTPS && !(repo.Scheme == config.HTTP && repo.Loopback()):
		return step.Usagef("--auth-token-file is for https:// repositories only")
	case auth.Scheme != config.Basic && auth.Scheme != config.Bearer:
		return step.Usagef("--auth-scheme is neither basic nor bearer")
	case auth.Scheme == config.Bearer && (auth.TokenFile == "" || repo.User != ""):
		return step.Usagef("--auth-scheme bearer needs --auth-token-file, and an address without a user")
	case tls && repo.Scheme != config.HTTPS:
		return step.Usagef("--tls-ca-file, --tls-client-cert-file and --tls-client-key-file are for https:// repositories only")
	case auth.TLSKeyFile != "" && auth.TLSCertFile == "":
		return step.Usagef("--tls-client-key-file needs --tls-client-cert-file")
	case ssh && repo.Scheme != config.SSH:
		return step.Usagef("--ssh-key-file and --ssh-known-hosts-file are for ssh repositories only")
	case repo.Scheme == config.SSH && (auth.SSHKeyFile == "" || auth.KnownHostsFile == ""):
		return step.Usagef("an ssh repository needs --ssh-key-file and --ssh-known-hosts-file")
	}
	return nil
}
