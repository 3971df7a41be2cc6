package imagemode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine"
	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/internal/guest"
	"gitlauncher/internal/regtest"
	"gitlauncher/internal/sim"
	"gitlauncher/internal/step"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// emptyEngine is a Docker Engine without images and containers, which pulls nothing. It
// records what it is told to do.
type emptyEngine struct {
	mu   sync.Mutex
	told []string
}

func (e *emptyEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w.Header().Set("Api-Version", "1.41")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		e.told = append(e.told, r.Method+" "+r.URL.Path)
	}
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/_ping"):
	case strings.HasSuffix(path, "/info"):
		fmt.Fprint(w, `{"ServerVersion":"20.10.24","DefaultRuntime":"runc","DriverStatus":[["Backing Filesystem","extfs"]]}`)
	case strings.HasSuffix(path, "/containers/json"):
		fmt.Fprint(w, "[]")
	case strings.HasSuffix(path, "/images/create"):
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `{"message":"no space left on device"}`)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message":"No such image: x"}`)
	}
}

// node is a machine on which to launch an image.
type node struct {
	*Options
	engine   *emptyEngine
	registry *regtest.Server
	agent    *dstack.Client
	image    oci.Digest
}

func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{engine: new(emptyEngine), registry: new(regtest.Server)}
	stop, err := regtest.Start(n.registry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	image, err := regtest.NewImage(v1.Platform{OS: "linux", Architecture: "amd64"}, v1.Config{Cmd: []string{"/start"}}, "1")
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := regtest.Pusher{Host: n.registry.Host}.Push("near/node:latest", image)
	if err != nil {
		t.Fatal(err)
	}
	if n.image, err = oci.ParseDigest(pushed); err != nil {
		t.Fatal(err)
	}
	n.Options, n.agent = options(t, sim.V05, n.image)
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "e"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: n.engine}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })

	o := n.Options
	o.Docker, o.EngineTimeout, o.RegistryTimeout, o.StallTimeout = l.Addr().String(), time.Minute, time.Minute, time.Minute
	o.Shared, o.Target = t.TempDir(), oci.DefaultPlatform
	o.ApprovedFile, o.NodeConfig, o.UserConfig = filepath.Join(o.Shared, "approved"), filepath.Join(o.Shared, "node.toml"), filepath.Join(t.TempDir(), "user.toml")
	o.Receipt.File, o.Receipt.Log = filepath.Join(o.Shared, "receipt.json"), o.Log
	n.write(t, o.UserConfig, fmt.Sprintf("[launcher_config]\nimage_reference = %q\npull_max_retries = 1\n[mpc_node_config]\n", n.registry.Host+"/near/node"))
	n.approve(t, n.image.String())
	return n
}

func (n *node) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (n *node) approve(t *testing.T, digest string) {
	t.Helper()
	n.write(t, n.ApprovedFile, `{"approved_hashes":["`+digest+`"]}`)
}

// measured returns the events of this boot that are not dstack's.
func (n *node) measured(t *testing.T) (names []string) {
	t.Helper()
	state, err := n.agent.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events, err := state.Log.Replay()
	if err != nil {
		t.Fatal(err)
	}
	after, _ := measure.AfterReady(events)
	for _, e := range after {
		names = append(names, e.Name)
	}
	return names
}

// TestRunStops: each failure ends the launch in its step, with an error of its type.
// Nothing is started, nothing measured, and the node gets no config. Steps after the
// container's creation need a real Engine: testscripts/image_*.txtar.
func TestRunStops(t *testing.T) {
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	for name, c := range map[string]struct {
		change func(t *testing.T, n *node)
		step   step.Name
		err    func(error) bool
		pulls  bool // whether it gets as far as pulling
	}{
		"no such address":     {func(_ *testing.T, n *node) { n.HealthListen = "nowhere" }, "listen for questions about health", as[*net.OpError], false},
		"no profile":          {func(_ *testing.T, n *node) { n.Profile = "none.toml" }, "read the profile", as[*imagepin.ProfileError], false},
		"no Engine":           {func(_ *testing.T, n *node) { n.Docker += "-none" }, "reach the Docker Engine", as[*engine.Error], false},
		"no guest agent":      {func(_ *testing.T, n *node) { n.Guest.Socket += "-none" }, step.Agent, as[*dstack.SocketError], false},
		"another launcher":    {locked, "wait for another launcher", as[*imagepin.LockedError], false},
		"no user config":      {func(_ *testing.T, n *node) { n.UserConfig += "-none" }, step.UserConfig, as[*userconfig.Error], false},
		"an empty one":        {func(t *testing.T, n *node) { n.write(t, n.UserConfig, "") }, step.UserConfig, as[*userconfig.Error], false},
		"a list that is none": {func(t *testing.T, n *node) { n.write(t, n.ApprovedFile, "{}") }, "choose the image", as[*imagepin.ApprovedError], false},
		"no list, no default": {func(t *testing.T, n *node) { n.ApprovedFile += "-none" }, "choose the image", is(imagepin.ErrNoDigest), false},
		"an override that is not approved": {func(t *testing.T, n *node) {
			n.write(t, n.UserConfig, fmt.Sprintf("[launcher_config]\nimage_reference = \"x/y\"\nmpc_hash_override = %q\n[mpc_node_config]\n", other.String()))
		}, "choose the image", is(imagepin.ErrNotApproved), false},
		"another image in this boot": {func(t *testing.T, n *node) {
			if err := n.agent.Emit(t.Context(), measure.Event{Name: measure.EventImageDigest, Payload: other[:]}); err != nil {
				t.Fatal(err)
			}
		}, step.Measure, is(measure.ErrOtherImage), false},
		"--measure pinned with a list":   {func(_ *testing.T, n *node) { n.Guest.Way = guest.Pinned }, step.Measure, as[*UnboundError], false},
		"a registry that is down":        {func(_ *testing.T, n *node) { n.registry.Misbehave(&regtest.Fault{Kind: "503"}) }, "prove the image", as[*registry.Error], false},
		"a registry with other bytes":    {func(_ *testing.T, n *node) { n.registry.Misbehave(&regtest.Fault{Kind: "other-bytes"}) }, "prove the image", as[*imagepin.ProofError], false},
		"an image that nobody has":       {func(t *testing.T, n *node) { n.approve(t, other.String()) }, "prove the image", as[*registry.Error], false},
		"an Engine that can't pull":      {func(*testing.T, *node) {}, "create the container", as[*engine.Error], true},
		"the same, without a TEE":        {func(_ *testing.T, n *node) { n.Guest.Measured = false }, "create the container", as[*engine.Error], true},
		"the same, by the default image": {func(_ *testing.T, n *node) { n.ApprovedFile += "-none"; n.Fallback = n.image }, "create the container", as[*engine.Error], true},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t)
			c.change(t, n)
			before := n.measured(t)
			_, err := Run(t.Context(), n.Options)
			var failed *step.Error
			if !errors.As(err, &failed) || failed.Step != c.step || !c.err(err) {
				t.Errorf("%#v: %v", failed, err)
			}
			for _, told := range n.engine.told {
				if !c.pulls || !strings.HasSuffix(told, "/images/create") && !strings.HasSuffix(told, "/networks/create") {
					t.Errorf("the Engine was told to %s", told)
				}
			}
			if after := n.measured(t); len(after) != len(before) {
				t.Errorf("measured: %v", after)
			}
			for _, name := range []string{n.NodeConfig, n.Receipt.File} {
				if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func as[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

// locked simulates another launcher at work.
func locked(t *testing.T, n *node) {
	lock, err := imagepin.Lock(t.Context(), n.Shared, time.Minute, n.Sleep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() })
}

// TestChoose: which digest runs, and what the log says about it.
func TestChoose(t *testing.T) {
	list := `{"approved_hashes":["` + one.String() + `","` + other.String() + `"]}`
	for name, c := range map[string]struct {
		list       string // empty: none
		noApproved bool
		fallback   oci.Digest
		override   oci.Digest
		want       oci.Digest
		says       string
	}{
		"the newest":                   {list, false, other, oci.Digest{}, one, "the newest approved"},
		"an override":                  {list, false, oci.Digest{}, other, other, "the override, which is approved"},
		"the default, without a list":  {"", false, other, oci.Digest{}, other, "the default, since there is no approved-hashes file"},
		"the default, without a look":  {list, true, other, oci.Digest{}, other, "the default, since --approved none consults no other"},
		"an override without any list": {list, true, other, one, other, "mpc_hash_override has no effect"},
	} {
		var log strings.Builder
		o := &Options{ApprovedFile: filepath.Join(t.TempDir(), "list"), NoApproved: c.noApproved, Fallback: c.fallback, Log: slog.New(slog.NewTextHandler(&log, nil))}
		if c.list != "" {
			(&node{}).write(t, o.ApprovedFile, c.list)
		}
		got, err := o.choose(&userconfig.Config{Override: c.override})
		if err != nil || got != c.want || !strings.Contains(log.String(), c.says) {
			t.Errorf("%s: %s, %v\n%s", name, got, err, log.String())
		}
	}
}

// TestResolve: the digests of what a name means now, proven, for people and programs.
func TestResolve(t *testing.T) {
	n := newNode(t)
	at := n.registry.Host + "/near/node"
	arm, err := regtest.NewImage(v1.Platform{OS: "linux", Architecture: "arm64"}, v1.Config{}, "arm")
	if err != nil {
		t.Fatal(err)
	}
	index, err := regtest.Pusher{Host: n.registry.Host}.Push("near/node:index", regtest.NewIndex(regtest.Entry{Image: arm, Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}))
	if err != nil {
		t.Fatal(err)
	}
	armManifest, err := arm.Digest()
	if err != nil {
		t.Fatal(err)
	}
	arm64, err := oci.ParsePlatform("linux/arm64")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		reference string
		target    oci.Platform
		json      bool
		says      string
		err       func(error) bool
	}{
		"latest":             {at, oci.DefaultPlatform, false, "platform  linux/amd64\nindex     none\nmanifest  " + n.image.String() + "\nconfig    sha256:", nil},
		"a tag":              {at + ":latest", oci.DefaultPlatform, false, "manifest  " + n.image.String() + "\n", nil},
		"a digest":           {at + "@" + n.image.String(), oci.DefaultPlatform, false, "manifest  " + n.image.String() + "\n", nil},
		"an index":           {at + ":index", arm64, false, "index     " + index + "\nmanifest  " + armManifest.String() + "\n", nil},
		"JSON":               {at + ":index", arm64, true, `"index":"` + index + `","manifest":"` + armManifest.String() + `"`, nil},
		"another platform":   {at + ":index", oci.DefaultPlatform, false, "", as[*imagepin.ProofError]},
		"no such tag":        {at + ":none", oci.DefaultPlatform, false, "", as[*registry.Error]},
		"no such digest":     {at + "@" + other.String(), oci.DefaultPlatform, false, "", as[*registry.Error]},
		"no digest":          {at + "@sha256:00", oci.DefaultPlatform, false, "", as[*step.UsageError]},
		"no name":            {"no name", oci.DefaultPlatform, false, "", as[*step.UsageError]},
		"a digest that lies": {at + "@" + n.image.String(), arm64, false, "", as[*imagepin.ProofError]},
	} {
		var out strings.Builder
		err := Resolve(t.Context(), &Query{
			Reference: c.reference, Target: c.target, Docker: n.Docker, EngineTimeout: time.Minute, RegistryTimeout: time.Minute,
			JSON: c.json, Stdout: &out, Log: slog.New(slog.DiscardHandler),
		})
		var failed *step.Error
		if c.err == nil && (err != nil || !strings.Contains(out.String(), c.says)) || c.err != nil && (!errors.As(err, &failed) || failed.Step != "resolve the image" || !c.err(err) || out.Len() > 0) {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
	if len(n.engine.told) > 0 {
		t.Errorf("the Engine was told to %v", n.engine.told)
	}
}

// TestRunEnds: a context that has ended ends a launch before anything is created.
func TestRunEnds(t *testing.T) {
	n := newNode(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, n.Options); !errors.Is(err, context.Canceled) || len(n.engine.told) > 0 {
		t.Errorf("%v; the Engine was told to %v", err, n.engine.told)
	}
}
