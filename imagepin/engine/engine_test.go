package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine/container"
	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/internal/printable"
)

// standIn answers like a Docker Engine, in ways that a test can't make the machine's own
// Engine answer: as a newer one, one with images in containerd's store, or one that
// disobeys. Its answers have the shapes in the documentation of the Engine API 1.47.
type standIn struct {
	info      string            // the answer of /info
	images    map[string]string // the answers of /images, by reference
	created   map[string]any    // the last request to /containers/create
	platform  string            // that request's platform
	container func(create map[string]any) map[string]any
	removed   bool
	conflict  bool // somebody takes the name before the container is created
	fails     bool // listing containers fails
	starts    int  // of a workload that fails with code 5; a second one is refused
	mu        sync.Mutex
}

const (
	classicInfo    = `{"ServerVersion":"27.5.1","DefaultRuntime":"runc","DriverStatus":[["Backing Filesystem","extfs"]]}`
	containerdInfo = `{"ServerVersion":"28.2.2","DefaultRuntime":"runc","LoggingDriver":"json-file","SecurityOptions":["name=seccomp,profile=builtin","name=cgroupns"],"DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}`
)

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Api-Version", "1.47")
	path := regexp.MustCompile(`^/v1\.\d+`).ReplaceAllString(r.URL.Path, "")
	switch {
	case path == "/_ping":
	case path == "/info":
		fmt.Fprint(w, s.info)
	case strings.HasPrefix(path, "/images/"):
		answer, ok := s.images[strings.TrimSuffix(strings.TrimPrefix(path, "/images/"), "/json")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"message":"No such image: x"}`
		}
		fmt.Fprint(w, answer)
	case strings.HasPrefix(path, "/networks/"):
		fmt.Fprint(w, `{"Id":"net1"}`)
	case path == "/containers/create":
		if s.conflict {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"message":"Conflict. The container name \"/mpc-node\" is already in use by container \"x\". You have to remove (or rename) that container to be able to reuse that name."}`)
			return
		}
		s.created, s.removed, s.platform = nil, false, r.URL.Query().Get("platform")
		json.NewDecoder(r.Body).Decode(&s.created)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"Id":"c1"}`)
	case path == "/containers/c1/start":
		if s.starts++; s.starts > 1 {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, `{"message":"started again"}`)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case path == "/containers/c1/wait":
		fmt.Fprint(w, `{"StatusCode":5}`)
	case path == "/containers/c1/logs":
	case path == "/containers/json" && s.fails:
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `{"message":"something else"}`)
	case path == "/containers/json":
		fmt.Fprint(w, `[]`)
	case (path == "/containers/c1/json" || path == "/containers/c/json") && s.created != nil && !s.removed: // any unique beginning of an id
		json.NewEncoder(w).Encode(s.container(s.created))
	case path == "/containers/c1" && r.Method == http.MethodDelete:
		s.removed = true
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message":"No such container: x"}`)
	}
}

func (s *standIn) connect(t *testing.T) *Engine {
	t.Helper()
	_, e := s.serve(t)
	return e
}

// serve starts the stand-in, and returns its server and a client.
func (s *standIn) serve(t *testing.T) (*http.Server, *Engine) {
	t.Helper()
	dir, err := os.MkdirTemp("", "e") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	e, err := Connect(context.Background(), l.Addr().String(), 5*time.Second, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return server, e
}

// digests returns n different ones.
func digests(n int) []oci.Digest {
	d := make([]oci.Digest, n)
	for i := range d {
		d[i] = oci.Sum([]byte{byte(i)})
	}
	return d
}

func userConfig(t *testing.T, text string) *userconfig.Config {
	t.Helper()
	c, err := userconfig.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// testImage is an image whose approved digest is an index's.
func testImage(t *testing.T) *imagepin.Image {
	t.Helper()
	name, err := oci.ParseName("nearone/mpc-node")
	if err != nil {
		t.Fatal(err)
	}
	d := digests(4)
	return &imagepin.Image{
		Name: name, Approved: d[1], Indexes: []oci.Digest{d[1]}, Manifest: d[2], ConfigID: d[3], Platform: oci.DefaultPlatform,
		Config: &oci.Config{Platform: oci.DefaultPlatform, Env: []string{"PATH=/bin", "RUST_LOG=image"}, Cmd: []string{"/start"}, WorkingDir: "/w"},
	}
}

// TestVerify: an image's id depends on the Engine's store, and in neither store does a name
// prove anything.
// SECURITY.md: R1.
func TestVerify(t *testing.T) {
	image := testImage(t)
	index, manifest, config, other := image.Approved.String(), image.Manifest.String(), image.ConfigID.String(), digests(5)[4].String()
	answer := func(id string, repoDigests ...string) string {
		out, _ := json.Marshal(map[string]any{"Id": id, "RepoTags": []string{}, "RepoDigests": repoDigests})
		return string(out)
	}
	for _, c := range []struct {
		name, info, answer string
		good               bool
	}{
		{"classic: the config's digest", classicInfo, answer(config, "nearone/mpc-node@"+index), true},
		{"classic: no RepoDigests", classicInfo, answer(config), true},
		{"classic: several RepoDigests", classicInfo, answer(config, "a/b@"+other, "nearone/mpc-node@"+manifest), true},
		{"classic: another image under the right name", classicInfo, answer(other, "nearone/mpc-node@"+index), false},
		{"classic: the manifest's digest is no id there", classicInfo, answer(manifest, "nearone/mpc-node@"+index), false},
		{"containerd: the index's digest", containerdInfo, answer(index, "nearone/mpc-node@"+index), true},
		{"containerd: the manifest's digest", containerdInfo, answer(manifest), true},
		{"containerd: another image under the right name", containerdInfo, answer(other, "nearone/mpc-node@"+index), false},
		{"containerd: the config's digest is no id there", containerdInfo, answer(config), false},
		{"no id", classicInfo, `{}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &standIn{info: c.info, images: map[string]string{image.Reference(): c.answer}}
			err := s.connect(t).Verify(context.Background(), image)
			var proof *imagepin.ProofError
			if c.good && err != nil || !c.good && !errors.As(err, &proof) {
				t.Errorf("error %v", err)
			}
		})
	}
	if err := (&standIn{info: classicInfo}).connect(t).Verify(context.Background(), image); !ImageGone(err) {
		t.Errorf("not there: %v", err)
	}
}

// obedient returns an Engine that has an image in containerd's store, and creates what it
// is asked to, with the image's own variables.
func obedient(image *imagepin.Image) *standIn {
	s := &standIn{info: containerdInfo, images: map[string]string{image.Reference(): `{"Id":"` + image.Approved.String() + `"}`}}
	s.container = func(create map[string]any) map[string]any {
		made := inspected(image, image.Approved.String(), create)
		made["Config"].(map[string]any)["Env"] = append(made["Config"].(map[string]any)["Env"].([]any), "RUST_LOG=image")
		return made
	}
	return s
}

// inspected returns an obedient Engine's description of a container that it has created.
func inspected(image *imagepin.Image, id string, create map[string]any) map[string]any {
	config := map[string]any{}
	for k, v := range create {
		if k != "HostConfig" && k != "NetworkingConfig" {
			config[k] = v
		}
	}
	env, _ := config["Env"].([]any)
	config["Env"] = append(env[:len(env):len(env)], "PATH=/bin")
	if config["Cmd"] == nil {
		config["Cmd"] = image.Config.Cmd
	}
	config["WorkingDir"] = "/w"
	host := create["HostConfig"].(map[string]any)
	host["LogConfig"], host["CgroupnsMode"] = map[string]any{"Type": "json-file", "Config": map[string]any{}}, "private"
	host["MaskedPaths"] = append(slices.Clone(container.MaskedPaths), "/proc/asound")
	host["ReadonlyPaths"] = container.ReadonlyPaths
	return map[string]any{
		"Id": "c1", "Name": "/mpc-node", "Image": id, "State": map[string]any{"Status": "created"}, "Config": config,
		"HostConfig":      host,
		"NetworkSettings": map[string]any{"Networks": map[string]any{"mpc-node_default": map[string]any{"NetworkID": ""}}},
	}
}

// TestCreated: a new container is compared with the wanted one before it can be started,
// because the Engine may have made another.
// SECURITY.md: D2.
func TestCreated(t *testing.T) {
	image := testImage(t)
	index, other := image.Approved.String(), digests(5)[4].String()
	user := userConfig(t, "[launcher_config]\nimage = 'nearone/mpc-node'\nport_mappings = [{host = 80, container = 8080}]\n[mpc_node_config]\n")
	w := &container.Wanted{Proven: image, Profile: imagepin.MPC(), Container: *imagepin.MPC().Describe(image, user, true)}
	host := func(key string, value any) func(map[string]any) {
		return func(c map[string]any) { c["HostConfig"].(map[string]any)[key] = value }
	}
	config := func(key string, value any) func(map[string]any) {
		return func(c map[string]any) { c["Config"].(map[string]any)[key] = value }
	}
	manifest := func(digest string) func(map[string]any) {
		return func(c map[string]any) {
			c["ImageManifestDescriptor"] = map[string]any{"mediaType": "x", "digest": digest, "size": 1}
		}
	}
	for _, c := range []struct {
		name   string
		change func(map[string]any)
		reason string // empty: good
	}{
		{"as wanted", func(map[string]any) {}, ""},
		{"with the platform's manifest named", manifest(image.Manifest.String()), ""},
		{"another platform of the same index", manifest(other), "image"},
		{"another image", func(c map[string]any) { c["Image"] = other }, "another image"},
		{"privileged", host("Privileged", true), "privileges"},
		{"a capability", host("CapAdd", []string{"SYS_ADMIN"}), "privileges"},
		{"a device", host("Devices", []map[string]any{{"PathOnHost": "/dev/mem"}}), "devices"},
		{"without no-new-privileges", host("SecurityOpt", []string{}), "security options"},
		{"a seccomp profile", host("SecurityOpt", []string{"no-new-privileges:true", "seccomp=unconfined"}), "security options"},
		{"a restart policy", host("RestartPolicy", map[string]any{"Name": "always"}), "restart policy"},
		{"one mount more", host("Binds", []string{"/:/host"}), "mounts"},
		{"one mount less", host("Mounts", []any{}), "mounts"},
		{"all ports", host("PublishAllPorts", true), "ports"},
		{"no ports", host("PortBindings", map[string]any{}), "ports"},
		{"the host's network", host("NetworkMode", "host"), "network"},
		{"the host's processes", host("PidMode", "host"), "namespaces"},
		{"another runtime", host("Runtime", "evil"), "runtime"},
		{"another command", config("Cmd", []string{"/bin/sh"}), "command"},
		{"an entry point", config("Entrypoint", []string{"/bin/sh"}), "entrypoint"},
		{"one variable more", config("Env", []string{"LD_PRELOAD=/x", "PATH=/bin", "RUST_LOG=image", "DSTACK_ENDPOINT=/var/run/dstack.sock"}), "environment"},
		{"another user", config("User", "1000"), "user"},
		{"a health check", config("Healthcheck", map[string]any{"Test": []string{"CMD", "/x"}}), "health check"},
		{"unmasked system paths", host("MaskedPaths", []string{}), "system paths"},
		{"writable system paths", host("ReadonlyPaths", []string{"/proc/bus"}), "system paths"},
		{"the host's control groups", host("CgroupnsMode", "host"), "namespaces"},
		{"a log elsewhere", host("LogConfig", map[string]any{"Type": "syslog"}), "log driver"},
		{"a volume that the image does not ask for", config("Volumes", map[string]any{"/app": map[string]any{}}), "mounts"},
		{"another label", config("Labels", map[string]any{}), "label"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &standIn{info: containerdInfo, images: map[string]string{image.Reference(): `{"Id":"` + index + `"}`}}
			s.container = func(create map[string]any) map[string]any {
				made := inspected(image, index, create)
				if env := made["Config"].(map[string]any)["Env"].([]any); len(env) < 3 {
					made["Config"].(map[string]any)["Env"] = append(env, "RUST_LOG=image")
				}
				c.change(made)
				return made
			}
			f, kept, err := s.connect(t).Prepare(context.Background(), w)
			if s.platform != "linux/amd64" {
				t.Errorf("asked for the platform %q", s.platform)
			}
			if c.reason == "" {
				if err != nil || kept || f.ID != "c1" || s.removed {
					t.Errorf("%v, kept %v, removed %v, %v", f, kept, s.removed, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.reason) || !s.removed {
				t.Errorf("removed %v, %v", s.removed, err)
			}
		})
	}
}

// TestNameTaken: somebody makes a container of the same name between looking and
// creating.
func TestNameTaken(t *testing.T) {
	image := testImage(t)
	user := userConfig(t, "[launcher_config]\nimage = 'nearone/mpc-node'\n[mpc_node_config]\n")
	w := &container.Wanted{Proven: image, Profile: imagepin.MPC(), Container: *imagepin.MPC().Describe(image, user, true)}
	s := &standIn{info: classicInfo, conflict: true, images: map[string]string{image.Reference(): `{"Id":"` + image.ConfigID.String() + `"}`}}
	if _, _, err := s.connect(t).Prepare(context.Background(), w); !is(err, NameTaken) {
		t.Errorf("error %v", err)
	}
}

// TestFind: the Engine finds a container by the beginning of its id; Find does not.
func TestFind(t *testing.T) {
	s := &standIn{info: classicInfo, created: map[string]any{}}
	s.container = func(map[string]any) map[string]any {
		return inspected(testImage(t), "x", map[string]any{"Env": []any{}, "HostConfig": map[string]any{}})
	}
	e := s.connect(t)
	for name, want := range map[string]bool{"c1": true, "c": false} {
		if f, err := e.Find(context.Background(), name); err != nil || (f != nil) != want {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

// TestNoAnswer: if the Engine can't say which ports are taken, they do not count as free. An
// Engine that is gone is reported as absent.
// SECURITY.md: R4.
func TestNoAnswer(t *testing.T) {
	image := testImage(t)
	w := &container.Wanted{Proven: image, Profile: imagepin.MPC(), Container: *imagepin.MPC().Describe(image, userConfig(t, "[launcher_config]\nimage = 'nearone/mpc-node'\nport_mappings = [{host = 1, container = 1}]\n[mpc_node_config]\n"), true)}
	s := &standIn{info: classicInfo}
	e := s.connect(t)
	if err := e.PortsFree(t.Context(), w); err != nil {
		t.Errorf("no container: %v", err)
	}
	s.fails = true
	var failed *Error
	if err := e.PortsFree(t.Context(), w); !errors.As(err, &failed) || failed.Reason != Failed || !strings.Contains(err.Error(), "looking for taken ports: ") {
		t.Errorf("no list: %v", err)
	}
	gone := new(standIn)
	gone.info = classicInfo
	server, away := gone.serve(t)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := away.Find(t.Context(), "c1"); !errors.As(err, &failed) || failed.Reason != Absent {
		t.Errorf("an Engine that is gone: %v", err)
	}
	ended, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("a signal")
	cancel(stop)
	if _, err := e.Find(ended, "c1"); err != stop {
		t.Errorf("after a signal: %v", err)
	}
}

// TestPause: between two starts, a signal that ends the launcher ends it with the workload's
// code, another signal does not, and a wait that fails starts nothing either.
func TestPause(t *testing.T) {
	image, stop := testImage(t), errors.New("the launcher ends")
	w := &container.Wanted{Proven: image, Profile: imagepin.MPC(), Container: *imagepin.MPC().Describe(image, userConfig(t, "[launcher_config]\nimage = 'nearone/mpc-node'\n[mpc_node_config]\n"), true)}
	for name, tc := range map[string]struct {
		signals []os.Signal
		slept   error // of a wait that is not ended by a signal
	}{
		"terminated":              {[]os.Signal{syscall.SIGTERM}, nil},
		"interrupted":             {[]os.Signal{syscall.SIGINT}, nil},
		"quit":                    {[]os.Signal{syscall.SIGQUIT}, nil},
		"hung up, and then ended": {[]os.Signal{syscall.SIGHUP, syscall.SIGTERM}, nil},
		"a wait that fails":       {nil, stop},
	} {
		t.Run(name, func(t *testing.T) {
			s := obedient(image)
			e := s.connect(t)
			f, _, err := e.Prepare(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			signals, running := make(chan os.Signal, len(tc.signals)), []bool{}
			code, err := e.Supervise(t.Context(), f, Supervision{
				Wanted: w, Signals: signals, Stdout: io.Discard, Stderr: io.Discard, BeforeStart: func() error { return nil }, Started: func() {},
				Running: func(r bool) { running = append(running, r) },
				Sleep: func(ctx context.Context, _ time.Duration) error {
					for _, sig := range tc.signals {
						signals <- sig
					}
					if tc.slept == nil {
						<-ctx.Done()
					}
					return tc.slept
				},
			})
			if code != 5 || err != tc.slept || s.starts != 1 || !slices.Equal(running, []bool{true, false}) {
				t.Errorf("code %d, %v, %d starts, running %v", code, err, s.starts, running)
			}
		})
	}
}

// TestAgain: a container that somebody removed or changed is not started again. The wait for
// an Engine that is gone ends with its context.
// SECURITY.md: D2.
func TestAgain(t *testing.T) {
	image := testImage(t)
	w := &container.Wanted{Proven: image, Profile: imagepin.MPC(), Container: *imagepin.MPC().Describe(image, userConfig(t, "[launcher_config]\nimage = 'nearone/mpc-node'\n[mpc_node_config]\n"), true)}
	s := obedient(image)
	var change func(made map[string]any)
	create := s.container
	s.container = func(asked map[string]any) map[string]any {
		made := create(asked)
		if change != nil {
			change(made)
		}
		return made
	}
	server, e := s.serve(t)
	f, _, err := e.Prepare(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("a signal")
	of := Supervision{Wanted: w, Sleep: func(context.Context, time.Duration) error { return stop }}
	if again, err := e.again(t.Context(), f, of); err != nil || again.ID != f.ID {
		t.Errorf("an unchanged container: %v, %v", again, err)
	}
	change = func(made map[string]any) { made["HostConfig"].(map[string]any)["Privileged"] = true }
	var settings *SettingsError
	if _, err := e.again(t.Context(), f, of); !errors.As(err, &settings) || !strings.Contains(err.Error(), "somebody changed it: privileges") {
		t.Errorf("a changed container: %v", err)
	}
	s.mu.Lock()
	s.removed = true
	s.mu.Unlock()
	var gone *Error
	if now, err := e.again(t.Context(), f, of); !errors.As(err, &gone) || gone.Reason != NoContainer || now != nil {
		t.Errorf("a container that somebody removed: %v, %v", now, err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.again(t.Context(), f, of); err != stop {
		t.Errorf("an Engine that is gone: %v", err)
	}
}

// TestEngineTexts: the reasons that only an Engine's text tells apart.
// SECURITY.md: R4.
func TestEngineTexts(t *testing.T) {
	for text, want := range map[string]Reason{
		"write /var/lib/docker/tmp/x: no space left on device":                                                                     DiskFull,
		"driver failed programming external connectivity on endpoint a (b): Bind for 0.0.0.0:80 failed: port is already allocated": PortTaken,
		"Error starting userland proxy: listen tcp4 0.0.0.0:18080: bind: address already in use":                                   PortTaken,
		`Conflict. The container name "/mpc-node" is already in use by container "x". You have to remove that container`:           NameTaken,
		"No such image: a@sha256:b":          NoImage,
		"No such container: x":               NoContainer,
		"network mpc-node_default not found": NoNetwork,
		"something else":                     Failed,
	} {
		if got := textReason(text); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	redact := func(text string) string { return printable.Line(text, "hunter2hunter2") }
	for text, want := range map[string]registry.Reason{
		"manifest for a@sha256:b not found: manifest unknown: manifest unknown":               registry.NotFound,
		"pull access denied for a, repository does not exist or may require 'docker login'":   registry.Denied,
		"unauthorized: authentication required":                                               registry.Denied,
		"toomanyrequests: You have reached your pull rate limit":                              registry.RateLimited,
		"Get \"https://x/v2/\": x509: certificate signed by unknown authority":                registry.Untrusted,
		"Get \"https://x/v2/\": dial tcp: lookup x: no such host":                             registry.Unreachable,
		"received unexpected HTTP status: 503 Service Unavailable":                            registry.Unreachable,
		"unauthorized: you sent hunter2hunter2\n\x1b[31m and more, said the hostile registry": registry.Denied,
	} {
		var e *registry.Error
		if err := pullError("a@b", errors.New(text), redact); !errors.As(err, &e) || e.Reason != want || strings.Contains(err.Error(), "hunter2") || strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%s: %v", text, err)
		}
	}
	var proof *imagepin.ProofError
	if err := pullError("a@b", errors.New("filesystem layer verification failed for digest sha256:x"), redact); !errors.As(err, &proof) {
		t.Errorf("%v", err)
	}
}

// harmless are the fields that a comparison ignores, since they give a container no power
// and no other bytes, and nobody its output.
var harmless = []string{
	"HostConfig.ContainerIDFile", "HostConfig.ConsoleSize", "HostConfig.ShmSize", "HostConfig.OomScoreAdj", "HostConfig.ReadonlyRootfs",
	"HostConfig.VolumeDriver", // is for Binds, and there are none
	"HostConfig.StorageOpt", "HostConfig.Isolation",
	// Limits.
	"HostConfig.CPUShares", "HostConfig.Memory", "HostConfig.NanoCPUs", "HostConfig.BlkioWeight", "HostConfig.BlkioWeightDevice",
	"HostConfig.BlkioDeviceReadBps", "HostConfig.BlkioDeviceWriteBps", "HostConfig.BlkioDeviceReadIOps", "HostConfig.BlkioDeviceWriteIOps",
	"HostConfig.CPUPeriod", "HostConfig.CPUQuota", "HostConfig.CPURealtimePeriod", "HostConfig.CPURealtimeRuntime", "HostConfig.CpusetCpus",
	"HostConfig.CpusetMems", "HostConfig.MemoryReservation", "HostConfig.MemorySwap", "HostConfig.MemorySwappiness", "HostConfig.OomKillDisable",
	"HostConfig.PidsLimit", "HostConfig.Ulimits", "HostConfig.CPUCount", "HostConfig.CPUPercent", "HostConfig.IOMaximumIOps", "HostConfig.IOMaximumBandwidth",
	"Config.Hostname", "Config.Domainname", "Config.AttachStdin", "Config.AttachStdout", "Config.AttachStderr", "Config.StdinOnce",
	"Config.ExposedPorts", // does not publish a port
	"Config.Image",        // is compared as Found.Image
	"Config.ArgsEscaped", "Config.NetworkDisabled", "Config.OnBuild", "Config.StopSignal", "Config.StopTimeout", "Config.Shell",
}

// fill gives a field another value than it has.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("other")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(7)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Array:
		fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	}
}

// TestEveryField: every field that the Engine API has for a container is compared or known
// to be harmless. So a field that a new version of the API adds is not missed.
// SECURITY.md: D2.
func TestEveryField(t *testing.T) {
	image := testImage(t)
	w := &container.Wanted{Proven: image, Profile: imagepin.MPC(), Container: *imagepin.MPC().Describe(image, userConfig(t, "[launcher_config]\nimage = 'nearone/mpc-node'\n[mpc_node_config]\n"), true)}
	s := obedient(image)
	e := s.connect(t)
	good, _, err := e.Prepare(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	var judge func(name string, v reflect.Value)
	judge = func(name string, v reflect.Value) {
		for i := range v.NumField() {
			field, value := name+"."+v.Type().Field(i).Name, v.Field(i)
			if v.Type().Field(i).Anonymous {
				judge(name, value)
				continue
			}
			before := reflect.New(value.Type()).Elem()
			before.Set(value)
			fill(value)
			if why := e.traits.Differs(good, w, ""); why == "" != slices.Contains(harmless, field) {
				t.Errorf("%s changed: %q", field, why)
			}
			value.Set(before)
		}
	}
	judge("HostConfig", reflect.ValueOf(good.Inspect.HostConfig).Elem())
	judge("Config", reflect.ValueOf(good.Inspect.Config).Elem())
	if why := e.traits.Differs(good, w, ""); why != "" {
		t.Errorf("and at the end: %s", why)
	}
}
