package imagemode

import (
	"context"
	"io"
	"log/slog"
	"time"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/guest"
	"gitlauncher/internal/receipt"
)

// Options is a launch as the command line wants it.
type Options struct {
	Docker          string        // the Engine's socket
	EngineTimeout   time.Duration // one call
	RegistryTimeout time.Duration // one request
	StallTimeout    time.Duration // of a pull
	LockTimeout     time.Duration

	Shared, ApprovedFile, UserConfig, NodeConfig string
	Profile                                      string // empty for the MPC node's

	Target       oci.Platform
	Fallback     oci.Digest // DEFAULT_IMAGE_DIGEST; zero: none
	NoApproved   bool       // consult no file of approved digests: Fallback alone runs
	Detach       bool
	HealthListen string // empty: nowhere

	Guest   guest.Options
	Receipt receipt.Place

	Log            *slog.Logger
	Stdout, Stderr io.Writer
	Sleep          func(context.Context, time.Duration) error
}

// ReadProfile reads the profile that is named, or returns the MPC node's.
func (o *Options) ReadProfile() (*imagepin.Profile, error) {
	if o.Profile == "" {
		return imagepin.MPC(), nil
	}
	data, err := imagepin.ReadConfig(o.Profile)
	if err != nil {
		return nil, &imagepin.ProfileError{Reason: err.Error()}
	}
	return imagepin.ParseProfile(data)
}

// ReadUserConfig reads the user config. It also returns the SHA-256 of its bytes, in
// hex.
func (o *Options) ReadUserConfig() (*userconfig.Config, string, error) {
	data, err := imagepin.ReadConfig(o.UserConfig)
	if err != nil {
		return nil, "", &userconfig.Error{Reason: err.Error()}
	}
	user, err := userconfig.Parse(data)
	if err != nil {
		return nil, "", err
	}
	for _, w := range user.Warnings {
		o.Log.Warn("user config: " + w)
	}
	return user, digest.Of(data).Hex(), nil
}

// choose picks the digest to run.
func (o *Options) choose(user *userconfig.Config) (oci.Digest, error) {
	approved, exists, err := o.ReadApproved()
	if err != nil {
		return oci.Digest{}, err
	}
	digest, err := imagepin.Choose(approved, exists, o.Fallback, user.Override)
	if err != nil {
		return oci.Digest{}, err
	}
	switch {
	case !exists:
		why := "since there is no approved-hashes file"
		if o.NoApproved {
			why = "since --approved none consults no other"
		}
		o.Log.Info("image chosen: the default, "+why, "digest", digest.String())
		if !user.Override.IsZero() {
			o.Log.Warn("user config: mpc_hash_override has no effect without an approved-hashes file")
		}
	case !user.Override.IsZero():
		o.Log.Info("image chosen: the override, which is approved", "digest", digest.String())
	default:
		o.Log.Info("image chosen: the newest approved", "digest", digest.String(), "of", len(approved))
	}
	return digest, nil
}

// ReadApproved reads the node's list, unless none is consulted.
func (o *Options) ReadApproved() (approved []oci.Digest, exists bool, err error) {
	if o.NoApproved {
		return nil, false, nil
	}
	return imagepin.ReadApproved(o.ApprovedFile)
}
