package main

import (
	"archive/tar"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"gitlauncher/image/build/debian"
	"gitlauncher/image/build/layer"
	"gitlauncher/internal/compile"
)

// definition is one image.
type definition struct {
	name, title string
	config      v1.Config
	layers      []definedLayer
}

type definedLayer struct {
	by    string // its line in the image's history
	files []layer.File
	made  func() (v1.Layer, error) // makes it once for all images that share it
}

func newLayer(by string, files []layer.File) definedLayer {
	return definedLayer{by, files, sync.OnceValues(func() (v1.Layer, error) { return layer.New(files) })}
}

// Origins of files that no package has.
const (
	fromSource     = "source"        // this repository, compiled by the toolchain that go.mod names
	fromDefinition = "definition.go" // this file
)

const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment has the variables that a flavour has besides PATH.
var environment = map[string][]string{
	"go": {"GOTOOLCHAIN=local"}, // a commit can't have Go download another toolchain
}

// definitions returns all images. systems[0] has the files of the Debian system, and each
// further one those that a flavour adds to it, in the order of the lock.
func definitions(l *debian.Lock, systems [][]layer.File, programs map[string][]byte, licences []byte) []definition {
	system, epoch := systems[0], l.Epoch
	dir := func(name string, mode int64) layer.File {
		return layer.File{Path: name, Type: tar.TypeDir, Mode: mode, Time: epoch, Origin: fromDefinition}
	}
	program := func(name, to string) layer.File {
		return layer.File{Path: to, Type: tar.TypeReg, Mode: 0o755, Time: epoch, Inode: to, Data: programs[name], Origin: fromSource}
	}
	page := func(name string, data []byte) layer.File {
		return layer.File{Path: "/page/" + name, Type: tar.TypeReg, Mode: 0o644, Time: epoch, Data: data, Origin: fromSource}
	}
	var roots layer.File // the certificates that TLS clients trust
	for _, f := range system {
		if f.Path == "/etc/ssl/certs/ca-certificates.crt" {
			roots = f
		}
	}
	every := newLayer("Debian packages of image/debian-*.lock", system)
	launcher := newLayer("git-launcher", []layer.File{
		program("git-launcher", "/usr/bin/git-launcher"),
		dir("/etc/git-launcher", 0o755),
		// A volume goes here. A launcher that runs as any user can write to it.
		dir("/var/lib/git-launcher", 0o1777),
		dir("/usr/share/doc/git-launcher", 0o755),
		{Path: "/usr/share/doc/git-launcher/copyright", Type: tar.TypeReg, Mode: 0o644, Time: epoch, Data: licences, Origin: fromSource},
	})
	gitMode := v1.Config{Entrypoint: []string{"/usr/bin/git-launcher"}, Env: []string{searchPath}, WorkingDir: "/"}
	var flavours []definition
	for i, f := range l.Flavours {
		config := gitMode
		config.Env = slices.Concat(config.Env, environment[f.Name])
		flavours = append(flavours, definition{
			name: "git-launcher-" + f.Name, title: "git-launcher, git mode, with " + f.Name, config: config,
			layers: []definedLayer{every, newLayer("Debian packages of flavour "+f.Name, systems[i+1]), launcher},
		})
	}
	return append([]definition{
		{name: "git-launcher", title: "git-launcher, git mode", config: gitMode, layers: []definedLayer{every, launcher}},
		{
			name: "git-launcher-image", title: "git-launcher, image-digest mode",
			config: v1.Config{Entrypoint: []string{"/git-launcher", "image"}, WorkingDir: "/"},
			layers: []definedLayer{newLayer("git-launcher and CA certificates", []layer.File{
				program("git-launcher", "/git-launcher"),
				dir("/etc", 0o755), dir("/etc/ssl", 0o755), dir("/etc/ssl/certs", 0o755), roots,
			})},
		},
		{
			name: "git-launcher-verify", title: "git-launcher-verify, the verifier as a service, and as a command",
			config: v1.Config{
				Entrypoint: []string{"/git-launcher-verify"}, Cmd: []string{"serve", "--listen", ":8080", "--page", "/page"},
				ExposedPorts: map[string]struct{}{"8080/tcp": {}}, User: "65534:65534", Env: []string{"HOME=/tmp"}, WorkingDir: "/",
			},
			layers: []definedLayer{newLayer("git-launcher-verify, its page and CA certificates", []layer.File{
				program("git-launcher-verify", "/git-launcher-verify"),
				dir("/page", 0o755), page(pageFile, programs[pageFile]), page("THIRD-PARTY-LICENSES", licences),
				dir("/tmp", 0o1777), // what a command fetches is kept here
				dir("/etc", 0o755), dir("/etc/ssl", 0o755), dir("/etc/ssl/certs", 0o755), roots,
			})},
		},
		{
			name: "dstack-sim", title: "dstack-sim, a guest agent for development: not a TEE",
			config: v1.Config{Entrypoint: []string{"/dstack-sim"}, WorkingDir: "/"},
			layers: []definedLayer{newLayer("dstack-sim", []layer.File{program("dstack-sim", "/dstack-sim")})},
		},
	}, flavours...)
}

// additions returns the files of the Debian layer that no package has. There are links such
// as /bin to /usr/bin, through which packages are unpacked. There is also a sources.list. It
// names Debian's own archives, not those that the packages came from.
func additions(l *debian.Lock) []layer.File {
	sources := fmt.Sprintf("deb http://deb.debian.org/debian %[1]s main\ndeb http://deb.debian.org/debian %[1]s-updates main\ndeb http://deb.debian.org/debian-security %[1]s-security main\n", l.Suite)
	files := []layer.File{{Path: "/etc/apt/sources.list", Type: tar.TypeReg, Mode: 0o644, Data: []byte(sources)}}
	for _, top := range topLinks(l.Arch) {
		files = append(files, layer.File{Path: "/" + top, Type: tar.TypeSymlink, Mode: 0o777, Link: "usr/" + top})
	}
	for i := range files {
		files[i].Time, files[i].Origin = l.Epoch, fromDefinition
	}
	return files
}

func topLinks(arch string) []string {
	if arch == "amd64" {
		return []string{"bin", "sbin", "lib", "lib64"}
	}
	return []string{"bin", "sbin", "lib"}
}

// pageFile is the verifier's page among the programs.
const pageFile = "index.html"

// programs builds the programs of the images, and the verifier's page.
func programs(ctx context.Context, arch, version, dir string) (map[string][]byte, error) {
	built := make(map[string][]byte)
	for _, name := range []string{"git-launcher", "git-launcher-verify", "dstack-sim"} {
		to := filepath.Join(dir, name)
		if err := compile.Program(ctx, compile.Target{OS: "linux", Arch: arch, Version: version}, name, to); err != nil {
			return nil, err
		}
		data, err := os.ReadFile(to)
		if err != nil {
			return nil, err
		}
		built[name] = data
	}
	settings, err := compile.Settings()
	if err != nil {
		return nil, err
	}
	page := exec.CommandContext(ctx, "go", "run", "./page", "-version", version, "-out", filepath.Join(dir, "page"))
	page.Env = settings
	if out, err := page.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making the page: %w\n%s", err, out)
	}
	built[pageFile], err = os.ReadFile(filepath.Join(dir, "page", pageFile))
	return built, err
}
