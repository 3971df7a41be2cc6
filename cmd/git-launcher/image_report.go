package main

import (
	"errors"
	"io/fs"
	"syscall"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/userconfig"
)

// adviseImage returns exit code and hint for the errors of image mode; no hint for
// others.
func adviseImage(err error) (code int, hint string) {
	var (
		profile  *imagepin.ProfileError
		user     *userconfig.Error
		approved *imagepin.ApprovedError
		registry *imagepin.RegistryError
		config   *imagepin.ConfigDigestError
		proof    *imagepin.ProofError
		settings *imagepin.SettingsError
		engine   *imagepin.EngineError
		locked   *imagepin.LockedError
		path     *fs.PathError
	)
	switch {
	case errors.As(err, &profile):
		return exitUsage, "correct the file that --profile names"
	case errors.As(err, &user):
		return exitUsage, "correct the user config; doc/migrate-mpc.md has its keys"
	case errors.As(err, &approved):
		return exitUsage, "look at what writes that file: it must be the node's list of approved digests, newest first; the default digest never stands in for it"
	case errors.Is(err, imagepin.ErrNoDigest):
		return exitUsage, "give DEFAULT_IMAGE_DIGEST for the first start, before the node has written its list"
	case errors.Is(err, imagepin.ErrNotApproved):
		return exitPin, "wait until that digest is voted, or take mpc_hash_override out of the user config"
	case errors.As(err, &config):
		return exitPin, "vote for the manifest's digest; `git-launcher image resolve NAME:TAG` prints it"
	case errors.As(err, &proof):
		return exitPin, "compare with `git-launcher image resolve`; trying again does not help unless somebody mends the registry or the vote"
	case errors.As(err, &registry):
		return exitFetch, registryHint(registry.Reason)
	case errors.As(err, &engine):
		return exitEngine, engineHint(engine.Reason)
	case errors.As(err, &settings):
		return exitEngine, "find out who else uses this Docker Engine, and start again"
	case errors.As(err, &locked):
		return exitOther, "wait for the other launcher, or raise --lock-timeout"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return exitOther, "make room on the disk of the shared volume"
	case errors.As(err, &path):
		return exitOther, "see what stands in the way at that place in the shared volume; the workload can write there"
	}
	return 0, ""
}

func registryHint(r imagepin.Reason) string {
	switch r {
	case imagepin.Denied:
		return "give a credential that may read the repository (config.json in DOCKER_CONFIG or ~/.docker); registries also answer so where the name is wrong"
	case imagepin.NotFound:
		return "check image_reference and its registry: it does not have this digest"
	case imagepin.RateLimited:
		return "wait, or give a credential; the registry limits how much it hands out"
	case imagepin.Untrusted:
		return "check the registry's certificate before anything else"
	case imagepin.Stalled:
		return "look at the network and the registry; for slow ones raise --stall-timeout or --registry-timeout"
	}
	return "look at the network and the registry, then start again"
}

func engineHint(r imagepin.EngineReason) string {
	switch r {
	case imagepin.EngineAbsent:
		return "mount the Docker Engine's socket, or name it with --docker-endpoint"
	case imagepin.EngineHung, imagepin.EngineDied:
		return "look at the Docker Engine's own log, then start again"
	case imagepin.DiskFull:
		return "make room on the disk of the Docker Engine"
	case imagepin.NameTaken:
		return "find out who makes a container of that name at the same time, and start again"
	case imagepin.PortTaken:
		return "free the port, or change port_mappings in the user config"
	case imagepin.NoImage:
		return "find out what removes images on this VM (docker image prune), and start again"
	case imagepin.NoNetwork:
		return "find out what removes networks on this VM (docker network prune), and start again"
	case imagepin.NoContainer:
		return "find out what removes containers on this VM, and start again"
	}
	return "see what the Docker Engine says; its log may have more"
}
