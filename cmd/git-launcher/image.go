package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine"
	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/health"
	"gitlauncher/internal/version"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// imageLaunch is one run of image mode.
type imageLaunch struct {
	launch
	opts   *imageSettings
	engine *engine.Engine
	agent  *dstack.Client // nil with --platform nontee
	health *health.Monitor
}

const (
	stepSupervise = "keep the workload running"
	// createTries is how often an image that is gone before its container exists is
	// pulled again; doc/image-mode.md.
	createTries = 3
)

// imageCommand runs `git-launcher image …` and returns the exit code.
func imageCommand(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	command := ""
	if len(args) > 0 && slices.Contains([]string{"resolve", "compose", "check"}, args[0]) {
		command, args = args[0], args[1:]
	}
	if command == "compose" {
		set, err := parseComposeSettings(args)
		if err != nil {
			return misread(err, imageUsage, stdout, stderr)
		}
		return report(newLogger("text", "info", stderr), at("print the compose file", set.write(stdout, stderr)))
	}
	set, err := parseImageSettings(command == "resolve", args, os.LookupEnv)
	if err != nil {
		return misread(err, imageUsage, stdout, stderr)
	}
	l := &imageLaunch{launch: launch{settings: &set.settings, log: newLogger(set.logFormat, set.logLevel, stderr), stdout: stdout, stderr: stderr}, opts: set}
	switch command {
	case "resolve":
		return report(l.log, l.resolve(ctx))
	case "check":
		return l.reportCheck(l.check(ctx))
	}
	code, err = l.run(ctx)
	if err != nil {
		return report(l.log, err)
	}
	return code
}

// reportCheck returns the exit code that a launch would end with. What failed, and what
// to do, is printed already.
func (l *imageLaunch) reportCheck(err error) int {
	if err == nil {
		return 0
	}
	code, _ := advise(err)
	return code
}

// run is the whole launch: stop what was not measured, choose, prove, create,
// measure, start, supervise. Until the start, whatever fails leaves the container
// stopped. It returns the workload's exit code.
func (l *imageLaunch) run(ctx context.Context) (code int, err error) {
	var stopHealth func()
	if l.health, stopHealth, err = health.Serve(l.opts.healthListen); err != nil {
		return 0, at("listen for questions about health", err)
	}
	defer stopHealth()
	profile, err := l.readProfile()
	if err != nil {
		return 0, at("read the profile", err)
	}
	if l.engine, err = engine.Connect(ctx, l.opts.dockerSocket, l.opts.engine, l.log); err != nil {
		return 0, at("reach the Docker Engine", err)
	}
	defer l.engine.Close()
	var noAgent error
	l.agent, noAgent = l.launch.agent()
	if err := l.stopUnmeasured(ctx, profile.Name); err != nil {
		return 0, at("stop a container that was not measured", err)
	}
	if noAgent != nil {
		return 0, at("find the guest agent", noAgent)
	}
	lock, err := imagepin.Lock(ctx, l.opts.shared, l.lock, sleep)
	if err != nil {
		return 0, at("wait for another launcher", err)
	}
	defer lock.Close()

	user, userSum, err := l.readUserConfig()
	if err != nil {
		return 0, at("read the user config", err)
	}
	digest, err := l.choose(user)
	if err != nil {
		return 0, at("choose the image", err)
	}
	nodeConfig, err := profile.NodeConfig(user, digest, l.measured)
	if err != nil {
		return 0, at("read the user config", err)
	}
	if err := l.bindable(ctx, digest); err != nil {
		return 0, at(stepMeasure, err) // as soon as it is known
	}
	client, image, err := l.prove(ctx, user, digest)
	if err != nil {
		return 0, at("prove the image", err)
	}
	wanted := &engine.Wanted{Image: image, Profile: profile, Container: *profile.Describe(image, user, l.measured)}
	record, err := l.imageRecord(ctx, wanted, userSum)
	if err != nil {
		return 0, at("describe the container", err)
	}
	container, err := l.create(ctx, wanted, client, user, record)
	if err != nil {
		return 0, at("create the container", err)
	}
	if err := l.writeNodeConfig(user, nodeConfig); err != nil {
		return 0, at("write the node's config", err)
	}
	if err := l.measureImage(ctx, digest, record); err != nil {
		return 0, at(stepMeasure, err)
	}
	l.health.Launches(image.Reference())
	wanted.Launched = true
	return l.start(ctx, wanted, container, func() error { return l.writeNodeConfig(user, nodeConfig) })
}

func (l *imageLaunch) readProfile() (*imagepin.Profile, error) {
	if l.opts.profile == "" {
		return imagepin.MPC(), nil
	}
	data, err := imagepin.ReadConfig(l.opts.profile)
	if err != nil {
		return nil, &imagepin.ProfileError{Reason: err.Error()}
	}
	return imagepin.ParseProfile(data)
}

// readUserConfig reads it, with the hash of its bytes.
func (l *imageLaunch) readUserConfig() (*userconfig.Config, string, error) {
	data, err := imagepin.ReadConfig(l.opts.userConfig)
	if err != nil {
		return nil, "", &userconfig.Error{Reason: err.Error()}
	}
	user, err := userconfig.Parse(data)
	if err != nil {
		return nil, "", err
	}
	for _, w := range user.Warnings {
		l.log.Warn("user config: " + w)
	}
	sum := sha256.Sum256(data)
	return user, hex.EncodeToString(sum[:]), nil
}

// choose picks the digest to run.
func (l *imageLaunch) choose(user *userconfig.Config) (oci.Digest, error) {
	approved, exists, err := l.readApproved()
	if err != nil {
		return oci.Digest{}, err
	}
	digest, err := imagepin.Choose(approved, exists, l.opts.fallback, user.Override)
	if err != nil {
		return oci.Digest{}, err
	}
	switch {
	case !exists:
		why := "since there is no approved-hashes file"
		if l.opts.approved == approvedNone {
			why = "since --approved none consults no other"
		}
		l.log.Info("image chosen: the default, "+why, "digest", digest.String())
		if !user.Override.IsZero() {
			l.log.Warn("user config: mpc_hash_override has no effect without an approved-hashes file")
		}
	case !user.Override.IsZero():
		l.log.Info("image chosen: the override, which is approved", "digest", digest.String())
	default:
		l.log.Info("image chosen: the newest approved", "digest", digest.String(), "of", len(approved))
	}
	return digest, nil
}

// readApproved reads the node's list, unless none is to be consulted.
func (l *imageLaunch) readApproved() (approved []oci.Digest, exists bool, err error) {
	if l.opts.approved == approvedNone {
		return nil, false, nil
	}
	return imagepin.ReadApproved(l.opts.approvedFile)
}

// prove leads from the digest to the image's config, from the cache or the
// registry.
func (l *imageLaunch) prove(ctx context.Context, user *userconfig.Config, digest oci.Digest) (*registry.Client, *imagepin.Image, error) {
	client, err := registry.Open(ctx, user.Image, registry.Options{Timeout: l.opts.registry, Mirrors: l.engine.Mirrors(), Log: l.log})
	if err != nil {
		return nil, nil, err
	}
	shared, err := os.OpenRoot(l.opts.shared)
	if err != nil {
		return nil, nil, err
	}
	defer shared.Close()
	patient := registry.Patient{Client: client, Policy: user.Pull, Log: l.log, Sleep: sleep}
	image, err := imagepin.Resolve(ctx, &imagepin.Cached{Source: patient, Shared: shared, Log: l.log}, user.Image, digest, l.opts.target)
	if err != nil {
		return nil, nil, imagepin.Explain(ctx, client, user.Image, digest, l.opts.target, err)
	}
	l.log.Info("image proven", "image", image.Reference(), "manifest", image.Manifest.String(), "config", image.ConfigID.String(), "platform", image.Platform.String())
	atStage("proven")
	return client, image, nil
}

// imageRecord returns the launch record, and asks whether this boot has launched such a
// container before.
func (l *imageLaunch) imageRecord(ctx context.Context, w *engine.Wanted, userSum string) ([]byte, error) {
	sum, err := w.SHA256()
	if err != nil {
		return nil, err
	}
	w.Launched = l.launched(ctx, sum, w.Container.Image)
	r := measure.ImageRecord{
		Launcher: version.String(), ConfigSHA256: userSum, Image: w.Image.Name.String(), ApprovedDigest: w.Image.Approved.String(),
		ManifestDigest: w.Image.Manifest.String(), ConfigDigest: w.Image.ConfigID.String(), Platform: w.Image.Platform.String(), ContainerSHA256: sum,
	}
	return r.Marshal()
}

// create returns the wanted container, kept or made, and pulls the image if need be.
// It does not run, unless it was measured in this boot exactly so.
func (l *imageLaunch) create(ctx context.Context, w *engine.Wanted, client *registry.Client, user *userconfig.Config, record []byte) (*engine.Found, error) {
	for try := 1; ; try++ {
		container, kept, err := l.engine.Prepare(ctx, w)
		var proof *imagepin.ProofError
		if (engine.ImageGone(err) || errors.As(err, &proof)) && try <= createTries {
			// Not there, taken away, or another one under its name.
			puller := engine.Puller{Registry: client, Policy: user.Pull, Stall: l.opts.stallPull, Log: l.log, Sleep: sleep}
			if err := l.engine.Pull(ctx, w.Image, puller); err != nil && !engine.ImageGone(err) {
				return nil, err
			}
			atStage("pulled")
			continue
		}
		if err != nil {
			return nil, err
		}
		if kept {
			l.log.Info("keeping the container: same image, same settings", "container", container.String())
		} else {
			l.log.Info("container created, not started", "container", container.String())
		}
		if container.Running && !l.inLog(ctx, w.Image.Approved, record) {
			l.log.Info("stopping the container: this launch is not measured yet")
			if err := l.engine.Halt(ctx, container); err != nil {
				return nil, err
			}
			container.Running = false
		}
		atStage("created")
		return container, nil
	}
}

// writeNodeConfig writes what the node reads. In the .env form there is none.
func (l *imageLaunch) writeNodeConfig(user *userconfig.Config, data []byte) error {
	if user.DotEnv {
		return nil
	}
	if err := atomicfile.Write(l.opts.nodeConfig, data, 0o600); err != nil {
		return err
	}
	atStage("configured")
	return nil
}

// start starts the container and stays its supervisor, or leaves with --detach. The
// workload can write what it reads: configure writes it anew before each start.
func (l *imageLaunch) start(ctx context.Context, w *engine.Wanted, container *engine.Found, configure func() error) (int, error) {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(signals)
	if ctx.Err() != nil { // a signal that came too late for the steps before
		return 0, at("start the workload", context.Cause(ctx))
	}
	ctx = context.WithoutCancel(ctx) // from here on, signals are the workload's
	if l.opts.detach {
		if !container.Running {
			var err error
			if container, err = l.engine.Start(ctx, container, w); err != nil {
				return 0, at("start the workload", err)
			}
		}
		l.log.Info("container started; leaving it without a supervisor, as --detach asks", "container", container.String())
		return 0, nil
	}
	atStage("starting")
	step := "start the workload"
	code, err := l.engine.Supervise(ctx, container, engine.Supervision{
		Wanted: w, Signals: signals, Stdout: l.stdout, Stderr: l.stderr, Sleep: sleep, BeforeStart: configure,
		Started: func() {
			step = stepSupervise
			l.log.Info("container started", "container", container.String(), "ran_before", container.Running)
			atStage("started")
		},
		Running: func(running bool) {
			l.health.Set(map[bool]health.Status{true: health.Running, false: health.Failed}[running])
		},
	})
	l.health.Set(health.Ended)
	return code, at(step, err)
}
