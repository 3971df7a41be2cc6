package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
)

// imageSettings is the command line of image mode, checked.
type imageSettings struct {
	settings
	dockerSocket string
	engine       time.Duration // one call
	registry     time.Duration // one request
	stallPull    time.Duration

	shared, approvedFile, userConfig, nodeConfig, profile string

	target       oci.Platform
	fallback     oci.Digest // DEFAULT_IMAGE_DIGEST; zero: none
	detach       bool
	healthListen string
	approved     string // where approved digests come from: file, or none
	json         bool
	mirrors      []string // of Docker Hub; resolve alone
	args         []string
}

// The values of --approved.
const (
	approvedFile = "file" // the node's list, or the default where there is none yet
	approvedNone = "none" // the default alone
)

// The places that the operators' compose file fixes; doc/image-mode.md.
const (
	sharedDir       = "/mnt/shared"
	approvedName    = "image-digest.bin"
	nodeConfigName  = "mpc-config.toml"
	receiptName     = "git-launcher-receipt.json"
	userConfigFile  = "/tapp/user_config"
	dockerSocketDef = "/var/run/docker.sock"
)

// parseImageSettings reads the flags of `image` or, with resolve, those of `image
// resolve`, and the environment for flags that are not on the command line.
func parseImageSettings(resolve bool, args []string, env func(string) (string, bool)) (*imageSettings, error) {
	var s imageSettings
	var platform, target string
	fs := s.newFlags()
	fs.StringVar(&target, "target-platform", oci.DefaultPlatform.String(), "")
	fs.DurationVar(&s.registry, "registry-timeout", 30*time.Second, "")
	fs.StringVar(&s.dockerSocket, "docker-endpoint", dockerSocketDef, "")
	fs.DurationVar(&s.engine, "engine-timeout", time.Minute, "")
	if resolve {
		fs.BoolVar(&s.json, "json", false, "")
		fs.Func("registry-mirror", "", func(address string) error {
			s.mirrors = append(s.mirrors, address)
			return registry.CheckMirror(address)
		})
	} else {
		s.measureFlags(fs, &platform, "")
		fs.StringVar(&s.receiptFile, "receipt", "", "")
		fs.DurationVar(&s.stallPull, "stall-timeout", 2*time.Minute, "")
		fs.DurationVar(&s.lock, "lock-timeout", time.Minute, "")
		fs.StringVar(&s.shared, "shared-dir", sharedDir, "")
		fs.StringVar(&s.approvedFile, "approved-file", "", "")
		fs.StringVar(&s.userConfig, "user-config", userConfigFile, "")
		fs.StringVar(&s.nodeConfig, "node-config", "", "")
		fs.StringVar(&s.profile, "profile", "", "")
		fs.BoolVar(&s.detach, "detach", false, "")
		fs.StringVar(&s.healthListen, "health-listen", "", "")
		fs.StringVar(&s.measureBy, "measure", measureAuto, "")
		fs.StringVar(&s.approved, "approved", approvedFile, "")
	}
	if v, ok := env("TARGET_PLATFORM"); ok {
		target = v
	}
	if err := parseFlags(fs, args, env); err != nil {
		return nil, err
	}
	s.args = fs.Args()
	var err error
	if s.target, err = oci.ParsePlatform(target); err != nil {
		return nil, &usageError{"--target-platform or TARGET_PLATFORM " + err.Error()}
	}
	if err := s.checkLog(); err != nil {
		return nil, err
	}
	if resolve {
		return &s, s.checkResolve()
	}
	switch {
	case s.approved != approvedFile && s.approved != approvedNone:
		return nil, &usageError{"--approved is not file or none"}
	case s.approved == approvedNone && s.approvedFile != "":
		return nil, &usageError{"--approved none and --approved-file exclude each other"}
	}
	s.fillPaths()
	return &s, s.checkImage(platform, env)
}

func (s *imageSettings) checkResolve() error {
	if len(s.args) != 1 {
		return &usageError{"image resolve takes one reference: NAME[:TAG][@DIGEST]"}
	}
	if s.engine <= 0 || s.registry <= 0 {
		return &usageError{"a timeout must be above zero"}
	}
	return nil
}

// fillPaths derives the files that are not named from the shared volume's place.
func (s *imageSettings) fillPaths() {
	for _, f := range []struct {
		path *string
		name string
	}{{&s.approvedFile, approvedName}, {&s.nodeConfig, nodeConfigName}, {&s.receiptFile, receiptName}} {
		if *f.path == "" {
			*f.path = filepath.Join(s.shared, f.name)
		}
	}
}

func (s *imageSettings) checkImage(platform string, env func(string) (string, bool)) error {
	usage := func(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }
	if platform == "" {
		return usage("PLATFORM is needed: TEE or NONTEE, in the environment of the compose file")
	}
	if err := s.checkPlatform(platform); err != nil {
		return err
	}
	if err := s.checkMeasure(); err != nil {
		return err
	}
	if trust, _ := env("DOCKER_CONTENT_TRUST"); trust != "1" {
		return usage("the variable DOCKER_CONTENT_TRUST must be 1")
	}
	if v, ok := env("DEFAULT_IMAGE_DIGEST"); ok && v != "" {
		var err error
		if s.fallback, err = oci.ParseDigest(v); err != nil {
			return usage("the variable DEFAULT_IMAGE_DIGEST %v", err)
		}
	}
	for _, p := range []struct{ flag, path string }{
		{"docker-endpoint", s.dockerSocket}, {"dstack-endpoint", s.dstackEndpoint}, {"shared-dir", s.shared},
		{"approved-file", s.approvedFile}, {"user-config", s.userConfig}, {"node-config", s.nodeConfig}, {"receipt", s.receiptFile},
	} {
		if !filepath.IsAbs(p.path) {
			return usage("--%s must be an absolute path", p.flag)
		}
	}
	switch {
	case len(s.args) > 0:
		return usage("image takes no arguments but flags")
	case s.engine <= 0 || s.registry <= 0 || s.stallPull <= 0 || s.lock < 0 || s.dstackTimeout <= 0:
		return usage("a timeout must be above zero")
	}
	if info, err := os.Stat(s.shared); err != nil || !info.IsDir() {
		return usage("%s is not there; the shared volume must be mounted", s.shared)
	}
	return nil
}
