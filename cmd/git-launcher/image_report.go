package main

import (
	"errors"
	"io/fs"
	"syscall"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine"
	"gitlauncher/imagepin/registry"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/internal/advice"
	"gitlauncher/internal/imagemode"
)

// adviseImage returns exit code and hint for the errors of image mode. For other errors
// the hint is empty.
func adviseImage(err error) (code int, hint string) {
	var (
		profile    *imagepin.ProfileError
		user       *userconfig.Error
		approved   *imagepin.ApprovedError
		fetching   *registry.Error
		config     *imagepin.ConfigDigestError
		proof      *imagepin.ProofError
		settings   *engine.SettingsError
		broken     *engine.Error
		locked     *imagepin.LockedError
		unbound    *imagemode.UnboundError
		credential *registry.CredentialError
		authority  *registry.CertificateError
		path       *fs.PathError
	)
	switch {
	case errors.As(err, &unbound):
		return advice.Measure, "on dstack 0.6 and later an image is pinned by the measured compose: DEFAULT_IMAGE_DIGEST and --approved none (command: [--approved, none]), both as they stand there, and a new compose for each new image. " +
			"A list of approved digests, as NEAR's MPC nodes have it, needs dstack 0.5, where the image that was chosen is recorded"
	case errors.As(err, &profile):
		return advice.Usage, "correct the file that --profile names"
	case errors.As(err, &user):
		return advice.Usage, "correct the user config; doc/migrate-mpc.md has its keys"
	case errors.As(err, &approved):
		return advice.Usage, "look at what writes that file: it must be the node's list of approved digests, newest first; the default digest never stands in for it"
	case errors.Is(err, imagepin.ErrNoDigest):
		return advice.Usage, "give DEFAULT_IMAGE_DIGEST for the first start, before the node has written its list"
	case errors.Is(err, imagepin.ErrNotApproved):
		return advice.Pin, "wait until that digest is voted, or take mpc_hash_override out of the user config"
	case errors.As(err, &config):
		return advice.Pin, "vote for the manifest's digest; `git-launcher image resolve NAME:TAG` prints it"
	case errors.As(err, &proof):
		return advice.Pin, "compare with `git-launcher image resolve`; trying again does not help unless somebody mends the registry or the vote"
	case errors.As(err, &credential):
		return advice.Fetch, credentialHint(credential)
	case errors.As(err, &authority):
		return advice.Fetch, "correct that file, or take it away"
	case errors.As(err, &fetching):
		return advice.Fetch, registryHint(fetching.Reason)
	case errors.As(err, &broken):
		return advice.Engine, engineHint(broken.Reason)
	case errors.As(err, &settings):
		return advice.Engine, "find out who else uses this Docker Engine, and start again"
	case errors.As(err, &locked):
		return advice.Other, "wait for the other launcher, or raise --lock-timeout"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return advice.Other, "make room on the disk of the shared volume"
	case errors.As(err, &path):
		return advice.Other, "see what stands in the way at that place in the shared volume; the workload can write there"
	}
	return 0, ""
}

func credentialHint(e *registry.CredentialError) string {
	if e.Helper == "" {
		return "correct that Docker config, or name another folder with DOCKER_CONFIG"
	}
	return "install " + e.Helper + ", or take it out of that file: config.json of a desktop names helpers that a server does not have (docker login without one writes the credential itself)"
}

func registryHint(r registry.Reason) string {
	switch r {
	case registry.Denied:
		return "give a credential that may read the repository (config.json in DOCKER_CONFIG or ~/.docker); registries also answer so where the name is wrong"
	case registry.NotFound:
		return "check image_reference and its registry: it does not have this digest"
	case registry.RateLimited:
		return "wait, or give a credential; the registry limits how much it hands out"
	case registry.Untrusted:
		return "check the registry's certificate before anything else; a private authority belongs in " + registry.CertsDir + "/HOST:PORT/ca.crt"
	case registry.Stalled:
		return "look at the network and the registry; for slow ones raise --stall-timeout or --registry-timeout"
	}
	return "look at the network and the registry, then start again"
}

func engineHint(r engine.Reason) string {
	switch r {
	case engine.Absent:
		return "mount the Docker Engine's socket, or name it with --docker-endpoint"
	case engine.Hung, engine.Died:
		return "look at the Docker Engine's own log, then start again"
	case engine.DiskFull:
		return "make room on the disk of the Docker Engine"
	case engine.NameTaken:
		return "find out who makes a container of that name at the same time, and start again"
	case engine.PortTaken:
		return "free the port, or change port_mappings in the user config"
	case engine.NoImage:
		return "find out what removes images on this VM (docker image prune), and start again"
	case engine.NoNetwork:
		return "find out what removes networks on this VM (docker network prune), and start again"
	case engine.NoContainer:
		return "find out what removes containers on this VM, and start again"
	}
	return "see what the Docker Engine says; its log may have more"
}
