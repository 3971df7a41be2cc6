package regtest

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// BuildStatic builds a command of this module into dir, statically, so that an image
// needs nothing else.
func BuildStatic(dir, pkg string) (file string, err error) {
	file = filepath.Join(dir, filepath.Base(pkg))
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %v\n%s", pkg, err, out)
	}
	return file, nil
}

// File is a file of an image's layer.
type File struct {
	Path string
	Data []byte
	Dir  bool
}

// NewImage returns an image of one layer. Another salt makes another digest.
func NewImage(platform v1.Platform, config v1.Config, salt string, files ...File) (v1.Image, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	for _, f := range append(files, File{Path: "salt", Data: []byte(salt)}) {
		h := &tar.Header{Name: f.Path, Mode: 0o755, Size: int64(len(f.Data)), Typeflag: tar.TypeReg}
		if f.Dir {
			h.Typeflag, h.Size = tar.TypeDir, 0
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.Data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, static.NewLayer(layer.Bytes(), types.DockerUncompressedLayer))
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Variant, file.Config = platform.OS, platform.Architecture, platform.Variant, config
	return mutate.ConfigFile(image, file)
}

// NodeImage returns an image of the node stand-in (package regtest/node), whose binary
// [BuildStatic] made.
func NodeImage(binary, salt string) (v1.Image, error) {
	data, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	config := v1.Config{Cmd: []string{"/app/mpc-node", "image-command"}, Env: []string{"PATH=/app", "FROM_IMAGE=yes"}, WorkingDir: "/data"}
	return NewImage(v1.Platform{OS: "linux", Architecture: "amd64"}, config, salt,
		File{Path: "app", Dir: true}, File{Path: "app/mpc-node", Data: data}, File{Path: "tmp", Dir: true}, File{Path: "data", Dir: true})
}

// Entry is a child of an index.
type Entry struct {
	Image    v1.Image
	Index    v1.ImageIndex
	Platform *v1.Platform
}

// NewIndex returns an OCI index.
func NewIndex(entries ...Entry) v1.ImageIndex {
	var index v1.ImageIndex = empty.Index
	for _, e := range entries {
		var add mutate.Appendable = e.Image
		if e.Index != nil {
			add = e.Index
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: add, Descriptor: v1.Descriptor{Platform: e.Platform}})
	}
	return index
}

// Attestation returns what build tools put beside an image in an index.
func Attestation(of v1.Image) (Entry, error) {
	statement := static.NewLayer([]byte(`{"_type":"https://in-toto.io/Statement/v0.1"}`), "application/vnd.in-toto+json")
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), statement)
	if err != nil {
		return Entry{}, err
	}
	return Entry{Image: image, Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}, nil
}

// Raw is a document of any bytes, to be pushed as it is.
type Raw struct {
	Bytes []byte
	Type  types.MediaType
}

// RawManifest implements remote.Taggable.
func (r Raw) RawManifest() ([]byte, error) { return r.Bytes, nil }

// MediaType returns the type with which remote pushes the document.
func (r Raw) MediaType() (types.MediaType, error) { return r.Type, nil }

// Pusher writes to a registry.
type Pusher struct {
	Host      string
	Password  string
	Transport http.RoundTripper // nil: the default
}

func (p Pusher) options() []remote.Option {
	o := []remote.Option{}
	if p.Password != "" {
		o = append(o, remote.WithAuth(authn.FromConfig(authn.AuthConfig{Username: "user", Password: p.Password})))
	}
	if p.Transport != nil {
		o = append(o, remote.WithTransport(p.Transport))
	}
	return o
}

// Push writes an image (v1.Image), an index (v1.ImageIndex) or a Raw document at
// NAME:TAG, and returns its digest.
func (p Pusher) Push(nameTag string, what any) (digest string, err error) {
	ref, err := name.ParseReference(p.Host + "/" + nameTag)
	if err != nil {
		return "", err
	}
	var raw partial.WithRawManifest
	switch w := what.(type) {
	case v1.ImageIndex:
		raw, err = w, remote.WriteIndex(ref, w, p.options()...)
	case v1.Image:
		raw, err = w, remote.Write(ref, w, p.options()...)
	case Raw:
		raw, err = w, remote.Put(ref, w, p.options()...)
	default:
		return "", fmt.Errorf("regtest: can't push %T", what)
	}
	if err != nil {
		return "", err
	}
	data, err := raw.RawManifest()
	if err != nil {
		return "", err
	}
	h, _, err := v1.SHA256(bytes.NewReader(data))
	return h.String(), err
}

// DockerConfig writes a Docker config with a password for a registry to dir, which
// DOCKER_CONFIG then names.
func DockerConfig(dir, host, password string) error {
	type entry struct {
		Auth []byte `json:"auth"` // []byte is base64 in JSON
	}
	data, err := json.Marshal(map[string]any{"auths": map[string]entry{host: {[]byte("user:" + password)}}})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600)
}
