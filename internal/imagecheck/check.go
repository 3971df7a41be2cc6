package imagecheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine"
	"gitlauncher/imagepin/engine/container"
	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/internal/imagemode"
	"gitlauncher/internal/printable"
	"gitlauncher/internal/step"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// check is one run of the check.
type check struct {
	*imagemode.Options
	advise func(error) string
	agent  *dstack.Client // nil if there is none, or none is asked for
	engine *engine.Engine // nil if it is not reached
	first  error          // the first error that would end a launch
}

// roomFactor is how much room an image takes in the Engine, at least, for each byte that
// is pulled: the layers, compressed while they arrive, and unpacked.
const roomFactor = 3

// ok prints a finding that is as it should be; note prints one that a launch can live
// with.
func (c *check) ok(what, format string, args ...any)   { c.line("ok", what, format, args...) }
func (c *check) note(what, format string, args ...any) { c.line("note", what, format, args...) }

// failed prints a finding that would end a launch, with what to do.
func (c *check) failed(what string, err error) {
	c.line("FAILED", what, "%s", strings.TrimPrefix(printable.Line(err.Error()), what+": "))
	err = step.At(stepOf(what), err)
	if hint := c.advise(err); hint != "" {
		c.line("", "", "what to do: %s", hint)
	}
	if c.first == nil {
		c.first = err
	}
}

// stepOf returns the step of a launch that a finding belongs to.
func stepOf(what string) step.Name {
	if what == "guest agent" {
		return step.Measure
	}
	return step.Name("check the " + what)
}

func (c *check) line(word, what, format string, args ...any) {
	fmt.Fprintf(c.Stdout, "%-7s %-17s %s\n", word, what, fmt.Sprintf(format, args...))
}

// Run looks at everything that a launch needs, and prints each finding. advise says what to
// do about an error, or nothing. It returns the first error that would end a launch, which
// is a *[step.Error]; all of them are printed already.
func Run(ctx context.Context, o *imagemode.Options, advise func(error) string) error {
	c := &check{Options: o, advise: advise}
	c.volume()
	var agentErr error
	if c.agent, agentErr = o.Guest.Agent(); agentErr != nil {
		c.failed("guest agent", agentErr)
	}
	profile, err := o.ReadProfile()
	if err != nil {
		c.failed("profile", err)
		return c.first
	}
	c.connect(ctx)
	if c.engine != nil {
		defer c.engine.Close()
	}
	user, digest, known := c.choose(profile)
	if c.agent != nil {
		c.boot(ctx, digest, known)
	}
	if user == nil || !known {
		return c.first
	}
	image := c.prove(ctx, user, digest)
	if image == nil || c.engine == nil {
		return c.first
	}
	wanted := &container.Wanted{Proven: image, Profile: profile, Container: *profile.Describe(image, user, o.Guest.Measured)}
	c.present(ctx, image)
	c.ports(ctx, wanted)
	c.container(ctx, wanted)
	return c.first
}

// volume looks at the shared volume: its room, and whether another launcher works.
func (c *check) volume() {
	const what = "shared volume"
	if err := unix.Access(c.Shared, unix.W_OK|unix.X_OK); err != nil {
		c.failed(what, &fs.PathError{Op: "access", Path: c.Shared, Err: err})
		return
	}
	free, err := freeBytes(c.Shared)
	if err != nil {
		c.failed(what, err)
		return
	}
	if locked, err := imagepin.Locked(c.Shared); err != nil {
		c.note(what, "whether another launcher works can't be seen: %v", err)
	} else if locked {
		c.note(what, "another launcher is at work: a second one waits for it, and then ends")
	}
	if free < 1<<20 {
		c.failed(what, fmt.Errorf("%s: %w", c.Shared, syscall.ENOSPC))
		return
	}
	c.ok(what, "%s, %d MB free", c.Shared, free/1e6)
}

func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(s.Bavail) * s.Bsize, nil
}

func (c *check) connect(ctx context.Context) {
	e, err := engine.Connect(ctx, c.Docker, c.EngineTimeout, c.Log)
	if err != nil {
		c.failed("Docker Engine", err)
		return
	}
	c.engine = e
	c.ok("Docker Engine", "%s", e.About())
	for _, m := range e.Mirrors() {
		c.ok("registry mirror", "%s, for images of Docker Hub", printable.Line(m))
	}
}

// choose reads the user config and the approved digests. known says that there is a
// digest to launch.
func (c *check) choose(profile *imagepin.Profile) (user *userconfig.Config, digest oci.Digest, known bool) {
	user, _, err := c.ReadUserConfig()
	if err != nil {
		c.failed("user config", err)
	} else {
		for _, w := range user.Warnings {
			c.note("user config", "%s", w)
		}
		if _, err := profile.NodeConfig(user, oci.Digest{}, c.Guest.Measured); err != nil {
			c.failed("user config", err)
		} else {
			c.ok("user config", "%s, image %s, %d ports", c.UserConfig, user.Image, len(user.Ports))
		}
	}
	approved, exists, err := c.ReadApproved()
	if err != nil {
		c.failed("approved digests", err)
		return user, digest, false
	}
	override := oci.Digest{}
	if user != nil {
		override = user.Override
	}
	if digest, err = imagepin.Choose(approved, exists, c.Fallback, override); err != nil {
		c.failed("approved digests", err)
		return user, digest, false
	}
	switch {
	case c.NoApproved:
		c.ok("approved digests", "none are consulted; the default, %s", digest)
	case !exists:
		c.ok("approved digests", "no list yet; the default, %s", digest)
	case !override.IsZero():
		c.ok("approved digests", "the override, number %d of %d: %s", 1+slices.Index(approved, override), len(approved), digest)
	default:
		c.ok("approved digests", "the newest of %d: %s", len(approved), digest)
	}
	return user, digest, true
}

// boot looks at what this boot's register holds already.
func (c *check) boot(ctx context.Context, digest oci.Digest, known bool) {
	boot, err := measure.ReadBoot(ctx, c.agent, c.Sleep)
	if err == nil && known {
		err = c.Bindable(ctx, c.agent, digest)
	}
	if err != nil {
		c.failed("guest agent", err)
		return
	}
	c.ok("guest agent", "its log replays to RTMR3, %d events after dstack's own", len(boot.After))
}

func (c *check) prove(ctx context.Context, user *userconfig.Config, digest oci.Digest) *imagepin.Image {
	var mirrors []string
	if c.engine != nil {
		mirrors = c.engine.Mirrors()
	}
	client, err := registry.Open(ctx, user.Image, registry.Options{Timeout: c.RegistryTimeout, Mirrors: mirrors, Log: c.Log})
	if err != nil {
		c.failed("registry", err)
		return nil
	}
	image, err := imagepin.Resolve(ctx, client, user.Image, digest, c.Target)
	if err != nil {
		c.failed("registry", imagepin.Explain(ctx, client, user.Image, digest, c.Target, err))
		return nil
	}
	c.ok("registry", "%s is proven: manifest %s, config %s, %s", image.Reference(), image.Manifest, image.ConfigID, image.Platform)
	return image
}

// present says whether the Engine has the image, and if not, whether there is room.
func (c *check) present(ctx context.Context, image *imagepin.Image) {
	has, err := c.engine.Has(ctx, image)
	var proof *imagepin.ProofError
	switch {
	case errors.As(err, &proof):
		c.note("image", "%v; a launch pulls the right one", err)
	case err != nil:
		c.failed("image", err)
		return
	case has:
		c.ok("image", "the Docker Engine has it")
		return
	}
	need := roomFactor * image.Layers
	where := c.engine.Root()
	if _, err := os.Stat(where); err != nil {
		where = c.Shared // a volume of the Engine's, and so on its disk
	}
	free, err := freeBytes(where)
	switch {
	case err != nil:
		c.note("disk", "how much room the Engine has can't be seen: %v", err)
	case free < need:
		c.failed("disk", &engine.Error{Doing: "making room for the image", Reason: engine.DiskFull, Text: fmt.Sprintf("%d MB are free at %s, and pulling it takes about %d MB", free/1e6, where, need/1e6)})
	default:
		c.ok("disk", "the image is still to be pulled, %d MB; %d MB are free at %s", image.Layers/1e6, free/1e6, where)
	}
}

// ports looks for others that have one of the ports, as far as the launcher can see
// them.
func (c *check) ports(ctx context.Context, w *container.Wanted) {
	const what = "ports"
	if err := c.engine.PortsFree(ctx, w); err != nil {
		c.failed(what, err)
		return
	}
	c.ok(what, "%s: nothing that can be seen from here has one of them", cmp.Or(strings.Join(w.Ports, ", "), "none"))
}

// container reports how the container that is there, such as an earlier launcher's,
// differs from the wanted one.
func (c *check) container(ctx context.Context, w *container.Wanted) {
	const what = "container"
	sum, err := w.SHA256()
	if err != nil {
		c.failed(what, err)
		return
	}
	w.Launched = imagemode.Launched(ctx, c.agent, sum, w.Container.Image)
	found, differences, err := c.engine.Compare(ctx, w)
	switch {
	case err != nil:
		c.failed(what, err)
	case found == nil:
		c.ok(what, "there is no %s yet; a launch makes it", w.Name)
	case len(differences) == 0:
		c.ok(what, "%s is as wanted, and is kept", found)
	default:
		c.note(what, "%s is replaced; it differs in: %s", found, strings.Join(differences, "; "))
	}
}
