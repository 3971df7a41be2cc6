package imagemode

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine"
	"gitlauncher/imagepin/engine/container"
	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/health"
	"gitlauncher/internal/stage"
	"gitlauncher/internal/step"
	"gitlauncher/internal/version"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// createTries is how often an image is pulled again that is gone before its container
// exists (doc/image-mode.md).
const createTries = 3

// launch is one run of image mode.
type launch struct {
	*Options
	engine *engine.Engine
	agent  *dstack.Client // nil with --platform nontee
	health *health.Monitor
}

// Run is the whole launch: stop what was not measured, choose, prove, create, measure,
// start, supervise. Any failure before the start leaves the container stopped. It
// returns the workload's exit code, or a *[step.Error].
func Run(ctx context.Context, o *Options) (code int, err error) {
	l := &launch{Options: o}
	var stopHealth func()
	if l.health, stopHealth, err = health.Serve(l.HealthListen); err != nil {
		return 0, step.At("listen for questions about health", err)
	}
	defer stopHealth()
	profile, err := l.ReadProfile()
	if err != nil {
		return 0, step.At("read the profile", err)
	}
	if l.engine, err = engine.Connect(ctx, l.Docker, l.EngineTimeout, l.Log); err != nil {
		return 0, step.At("reach the Docker Engine", err)
	}
	defer l.engine.Close()
	var noAgent error
	l.agent, noAgent = l.Guest.Agent()
	if err := l.stopUnmeasured(ctx, profile.Name); err != nil {
		return 0, step.At("stop a container that was not measured", err)
	}
	if noAgent != nil {
		return 0, step.At(step.Agent, noAgent)
	}
	lock, err := imagepin.Lock(ctx, l.Shared, l.LockTimeout, l.Sleep)
	if err != nil {
		return 0, step.At("wait for another launcher", err)
	}
	defer lock.Close()

	user, userSum, err := l.ReadUserConfig()
	if err != nil {
		return 0, step.At(step.UserConfig, err)
	}
	digest, err := l.choose(user)
	if err != nil {
		return 0, step.At("choose the image", err)
	}
	nodeConfig, err := profile.NodeConfig(user, digest, l.Guest.Measured)
	if err != nil {
		return 0, step.At(step.UserConfig, err)
	}
	if err := l.Bindable(ctx, l.agent, digest); err != nil {
		return 0, step.At(step.Measure, err) // as soon as it is known
	}
	client, image, err := l.prove(ctx, user, digest)
	if err != nil {
		return 0, step.At("prove the image", err)
	}
	wanted := &container.Wanted{Proven: image, Profile: profile, Container: *profile.Describe(image, user, l.Guest.Measured)}
	record, err := l.imageRecord(ctx, wanted, userSum)
	if err != nil {
		return 0, step.At("describe the container", err)
	}
	container, err := l.create(ctx, wanted, client, user, record)
	if err != nil {
		return 0, step.At("create the container", err)
	}
	if err := l.writeNodeConfig(user, nodeConfig); err != nil {
		return 0, step.At("write the node's config", err)
	}
	if err := l.measure(ctx, digest, record); err != nil {
		return 0, step.At(step.Measure, err)
	}
	l.health.Launches(image.Reference())
	wanted.Launched = true
	return l.start(ctx, wanted, container, func() error { return l.writeNodeConfig(user, nodeConfig) })
}

// prove leads from the digest to the image's config, from the cache or the
// registry.
func (l *launch) prove(ctx context.Context, user *userconfig.Config, digest oci.Digest) (*registry.Client, *imagepin.Image, error) {
	client, err := registry.Open(ctx, user.Image, registry.Options{Timeout: l.RegistryTimeout, Mirrors: l.engine.Mirrors(), Log: l.Log})
	if err != nil {
		return nil, nil, err
	}
	shared, err := os.OpenRoot(l.Shared)
	if err != nil {
		return nil, nil, err
	}
	defer shared.Close()
	patient := registry.Patient{Client: client, Policy: user.Pull, Log: l.Log, Sleep: l.Sleep}
	image, err := imagepin.Resolve(ctx, &imagepin.Cached{Source: patient, Shared: shared, Log: l.Log}, user.Image, digest, l.Target)
	if err != nil {
		return nil, nil, imagepin.Explain(ctx, client, user.Image, digest, l.Target, err)
	}
	l.Log.Info("image proven", "image", image.Reference(), "manifest", image.Manifest.String(), "config", image.ConfigID.String(), "platform", image.Platform.String())
	stage.Reached("proven")
	return client, image, nil
}

// imageRecord returns the launch record, and asks whether this boot has launched such a
// container before.
func (l *launch) imageRecord(ctx context.Context, w *container.Wanted, userSum string) ([]byte, error) {
	sum, err := w.SHA256()
	if err != nil {
		return nil, err
	}
	w.Launched = Launched(ctx, l.agent, sum, w.Container.Image)
	r := measure.ImageRecord{
		Launcher: version.String(), ConfigSHA256: userSum, Image: w.Proven.Name.String(), ApprovedDigest: w.Proven.Approved.String(),
		ManifestDigest: w.Proven.Manifest.String(), ConfigDigest: w.Proven.ConfigID.String(), Platform: w.Proven.Platform.String(), ContainerSHA256: sum,
	}
	return r.Marshal()
}

// create returns the wanted container, kept or made, and pulls the image if need be. It
// does not run unless exactly this launch was measured in this boot.
func (l *launch) create(ctx context.Context, w *container.Wanted, client *registry.Client, user *userconfig.Config, record []byte) (*container.Found, error) {
	for try := 1; ; try++ {
		container, kept, err := l.engine.Prepare(ctx, w)
		var proof *imagepin.ProofError
		if (engine.ImageGone(err) || errors.As(err, &proof)) && try <= createTries {
			// The image is missing, was removed, or another one has its name.
			puller := engine.Puller{Registry: client, Policy: user.Pull, Stall: l.StallTimeout, Log: l.Log, Sleep: l.Sleep}
			if err := l.engine.Pull(ctx, w.Proven, puller); err != nil && !engine.ImageGone(err) {
				return nil, err
			}
			stage.Reached("pulled")
			continue
		}
		if err != nil {
			return nil, err
		}
		if kept {
			l.Log.Info("keeping the container: same image, same settings", "container", container.String())
		} else {
			l.Log.Info("container created, not started", "container", container.String())
		}
		if container.Running && !l.inLog(ctx, w.Proven.Approved, record) {
			l.Log.Info("stopping the container: this launch is not measured yet")
			if err := l.engine.Halt(ctx, container); err != nil {
				return nil, err
			}
			container.Running = false
		}
		stage.Reached("created")
		return container, nil
	}
}

// writeNodeConfig writes the config that the node reads. With a user config in the .env
// form there is none.
func (l *launch) writeNodeConfig(user *userconfig.Config, data []byte) error {
	if user.DotEnv {
		return nil
	}
	if err := atomicfile.Write(l.NodeConfig, data, 0o600); err != nil {
		return err
	}
	stage.Reached("configured")
	return nil
}

// start starts the container and stays its supervisor, or leaves with --detach. The
// workload can write what it reads: configure writes it anew before each start.
func (l *launch) start(ctx context.Context, w *container.Wanted, container *container.Found, configure func() error) (int, error) {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(signals)
	if ctx.Err() != nil { // a signal that came too late for the steps before
		return 0, step.At(step.Start, context.Cause(ctx))
	}
	ctx = context.WithoutCancel(ctx) // from here on, signals are the workload's
	if l.Detach {
		if !container.Running {
			var err error
			if container, err = l.engine.Start(ctx, container, w); err != nil {
				return 0, step.At(step.Start, err)
			}
		}
		l.Log.Info("container started; leaving it without a supervisor, as --detach asks", "container", container.String())
		return 0, nil
	}
	stage.Reached("starting")
	phase := step.Start
	code, err := l.engine.Supervise(ctx, container, engine.Supervision{
		Wanted: w, Signals: signals, Stdout: l.Stdout, Stderr: l.Stderr, Sleep: l.Sleep, BeforeStart: configure,
		Started: func() {
			phase = step.Supervise
			l.Log.Info("container started", "container", container.String(), "ran_before", container.Running)
			stage.Reached("started")
		},
		Running: func(running bool) {
			l.health.Set(map[bool]health.Status{true: health.Running, false: health.Failed}[running])
		},
	})
	l.health.Set(health.Ended)
	return code, step.At(phase, err)
}
