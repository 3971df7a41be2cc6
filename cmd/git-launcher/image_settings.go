package main

import (
	"io"
	"os"
	"path/filepath"
	"time"

	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
	"gitlauncher/internal/imagemode"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/step"
)

// imageSettings is the command line of image mode, checked.
type imageSettings struct {
	imagemode.Options
	logging
	approved string // where approved digests come from: file, or none
	args     []string

	asJSON  bool     // only for resolve
	mirrors []string // only for resolve: of Docker Hub
}

// The values of --approved.
const (
	approvedFile = "file" // the node's list, or the default if there is none yet
	approvedNone = "none" // the default alone
)

// The places that the operators' compose file fixes; doc/image-mode.md.
const (
	sharedDir      = "/mnt/shared"
	approvedName   = "image-digest.bin"
	nodeConfigName = "mpc-config.toml"
	receiptName    = "git-launcher-receipt.json"
	userConfigFile = "/tapp/user_config"
)

// parseImageSettings reads the flags of `image` or, with resolve, those of `image
// resolve`, and the environment for flags that are not on the command line.
func parseImageSettings(resolve bool, args []string, env func(string) (string, bool)) (*imageSettings, error) {
	var s imageSettings
	var target string
	m := measuring{guest: &s.Guest, place: &s.Receipt}
	command := "image"
	if resolve {
		command = "resolve"
	}
	fs := s.flags(&m, &target).Set(command)
	if v, ok := env("TARGET_PLATFORM"); ok {
		target = v
	}
	if err := parseFlags(fs, args, env); err != nil {
		return nil, err
	}
	s.args = fs.Args()
	var err error
	if s.Target, err = oci.ParsePlatform(target); err != nil {
		return nil, step.Usagef("--target-platform or TARGET_PLATFORM %v", err)
	}
	if err := s.logging.check(); err != nil {
		return nil, err
	}
	if resolve {
		return &s, s.checkResolve()
	}
	s.NoApproved = s.approved == approvedNone
	switch {
	case s.approved != approvedFile && !s.NoApproved:
		return nil, step.Usagef("--approved is not file or none")
	case s.NoApproved && s.ApprovedFile != "":
		return nil, step.Usagef("--approved none and --approved-file exclude each other")
	}
	s.fillPaths()
	return &s, s.checkImage(&m, env)
}

// flags returns the destinations of image mode's flags, and of those of `image
// resolve`.
func (s *imageSettings) flags(m *measuring, target *string) launcherflags.Destinations {
	f := make(launcherflags.Destinations)
	s.logging.flags(f)
	f.Text(target, "target-platform", oci.DefaultPlatform.String())
	f.Duration(&s.RegistryTimeout, "registry-timeout", 30*time.Second)
	f.Text(&s.Docker, "docker-endpoint", "/var/run/docker.sock")
	f.Duration(&s.EngineTimeout, "engine-timeout", time.Minute)
	f.Toggle(&s.asJSON, "json")
	f.Each("registry-mirror", func(address string) error {
		s.mirrors = append(s.mirrors, address)
		return registry.CheckMirror(address)
	})
	m.flags(f, "", "")
	f.Duration(&s.StallTimeout, "stall-timeout", 2*time.Minute)
	f.Duration(&s.LockTimeout, "lock-timeout", time.Minute)
	f.Text(&s.Shared, "shared-dir", sharedDir)
	f.Text(&s.ApprovedFile, "approved-file", "")
	f.Text(&s.UserConfig, "user-config", userConfigFile)
	f.Text(&s.NodeConfig, "node-config", "")
	f.Text(&s.Profile, "profile", "")
	f.Toggle(&s.Detach, "detach")
	f.Text(&s.HealthListen, "health-listen", "")
	f.Text(&s.approved, "approved", approvedFile)
	return f
}

func (s *imageSettings) checkResolve() error {
	if len(s.args) != 1 {
		return step.Usagef("image resolve takes one reference: NAME[:TAG][@DIGEST]")
	}
	if s.EngineTimeout <= 0 || s.RegistryTimeout <= 0 {
		return step.Usagef("a timeout must be above zero")
	}
	return nil
}

// fillPaths derives the files that were not named from the place of the shared volume.
func (s *imageSettings) fillPaths() {
	for _, f := range []struct {
		path *string
		name string
	}{{&s.ApprovedFile, approvedName}, {&s.NodeConfig, nodeConfigName}, {&s.Receipt.File, receiptName}} {
		if *f.path == "" {
			*f.path = filepath.Join(s.Shared, f.name)
		}
	}
}

func (s *imageSettings) checkImage(m *measuring, env func(string) (string, bool)) error {
	if m.platform == "" {
		return step.Usagef("PLATFORM is needed: TEE or NONTEE, in the environment of the compose file")
	}
	if err := m.check(); err != nil {
		return err
	}
	if trust, _ := env("DOCKER_CONTENT_TRUST"); trust != "1" {
		return step.Usagef("the variable DOCKER_CONTENT_TRUST must be 1")
	}
	if v, ok := env("DEFAULT_IMAGE_DIGEST"); ok && v != "" {
		var err error
		if s.Fallback, err = oci.ParseDigest(v); err != nil {
			return step.Usagef("the variable DEFAULT_IMAGE_DIGEST %v", err)
		}
	}
	for _, p := range []struct{ flag, path string }{
		{"docker-endpoint", s.Docker}, {"dstack-endpoint", s.Guest.Socket}, {"shared-dir", s.Shared},
		{"approved-file", s.ApprovedFile}, {"user-config", s.UserConfig}, {"node-config", s.NodeConfig}, {"receipt", s.Receipt.File},
	} {
		if !filepath.IsAbs(p.path) {
			return step.Usagef("--%s must be an absolute path", p.flag)
		}
	}
	switch {
	case len(s.args) > 0:
		return step.Usagef("image takes no arguments but flags")
	case s.EngineTimeout <= 0 || s.RegistryTimeout <= 0 || s.StallTimeout <= 0 || s.LockTimeout < 0 || s.Guest.Timeout <= 0:
		return step.Usagef("a timeout must be above zero")
	}
	if info, err := os.Stat(s.Shared); err != nil || !info.IsDir() {
		return step.Usagef("%s is not there; the shared volume must be mounted", s.Shared)
	}
	return nil
}

// query returns what `image resolve` asks.
func (s *imageSettings) query() *imagemode.Query {
	return &imagemode.Query{
		Reference: s.args[0], Target: s.Target, Mirrors: s.mirrors, Docker: s.Docker,
		EngineTimeout: s.EngineTimeout, RegistryTimeout: s.RegistryTimeout, JSON: s.asJSON, Stdout: s.Stdout, Log: s.Log,
	}
}

// connect sets the launch's streams, logger and clock.
func (s *imageSettings) connect(stdout, stderr io.Writer) {
	s.Log, s.Stdout, s.Stderr, s.Sleep = s.logger(stderr), stdout, stderr, sleep
	s.Guest.Log, s.Guest.Sleep, s.Receipt.Log = s.Log, sleep, s.Log
}
