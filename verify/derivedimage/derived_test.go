package derivedimage_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"gitlauncher/internal/digest"
	"gitlauncher/verify/derivedimage"
)

const text = "REPO_URL=https://example.org/r.git\nCOMMIT_SHA=1111111111111111111111111111111111111111\n"

// file returns the config's entry, and parents those of the folders above it.
func file() *tar.Header {
	return &tar.Header{Name: "etc/git-launcher/config.conf", Typeflag: tar.TypeReg, Mode: 0o664, Size: int64(len(text))}
}

func parents() []*tar.Header {
	return []*tar.Header{{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "etc/git-launcher/", Typeflag: tar.TypeDir, Mode: 0o755}}
}

// archive returns a tar of entries; regular files hold the config.
func archive(t testing.TB, entries ...*tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			content := (text + strings.Repeat("x", int(max(h.Size-int64(len(text)), 0))))[:h.Size]
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func layer(t testing.TB, data []byte) v1.Layer {
	t.Helper()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// launcher returns the audited base.
func launcher(t testing.TB) v1.Image {
	base := must(mutate.AppendLayers(empty.Image, layer(t, archive(t, &tar.Header{Name: "usr/bin/git-launcher", Typeflag: tar.TypeReg, Mode: 0o755, Size: 3}))))
	c := must(base.ConfigFile()).DeepCopy()
	c.Architecture, c.OS = "amd64", "linux"
	c.Config.Entrypoint, c.Config.Env, c.Config.User = []string{"/usr/bin/git-launcher"}, []string{"PATH=/usr/bin"}, "0"
	return must(mutate.ConfigFile(base, c))
}

func sum(t testing.TB, image v1.Image) digest.SHA256 {
	return must(digest.Parse(must(image.Digest()).String()))
}

// with derives an image by one layer, and changes its configuration.
func with(t testing.TB, base v1.Image, data []byte, change func(c *v1.ConfigFile)) v1.Image {
	image := must(mutate.AppendLayers(base, layer(t, data)))
	c := must(image.ConfigFile()).DeepCopy()
	c.Created, c.History = v1.Time{}, append(c.History, v1.History{CreatedBy: "COPY"})
	if change != nil {
		change(c)
	}
	return must(mutate.ConfigFile(image, c))
}

func TestDerived(t *testing.T) {
	base := launcher(t)
	largest := file()
	largest.Size = 64 << 10
	for name, entries := range map[string][]*tar.Header{
		"with folders":       append(parents(), file()),
		"without folders":    {file()},
		"the largest config": {largest},
		"with the root":      append([]*tar.Header{{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}}, append(parents(), file())...),
	} {
		image := with(t, base, archive(t, entries...), nil)
		got, err := derivedimage.Judge(image, base, sum(t, image), sum(t, base))
		if err != nil || string(got) != text && name != "the largest config" {
			t.Errorf("%s: %.100q, %v", name, got, err)
		}
	}
	padded := archive(t, file())
	image := with(t, base, append(padded, make([]byte, 1<<20-len(padded))...), nil)
	if _, err := derivedimage.Judge(image, base, sum(t, image), sum(t, base)); err != nil {
		t.Errorf("the largest layer: %v", err)
	}
}

// TestProvenDocuments: the largest documents that are read, and a byte more, and such as are of
// their digests and can't be those of an image.
// SECURITY.md: E13.
func TestProvenDocuments(t *testing.T) {
	base := launcher(t)
	image := with(t, base, archive(t, file()), nil)
	manifest, configuration := must(image.RawManifest()), must(image.RawConfigFile())
	spaces := func(data []byte, size int) []byte {
		return append(bytes.Clone(data), bytes.Repeat([]byte{' '}, size-len(data))...)
	}
	const limit = 4 << 20
	of := func(data []byte) string { return "sha256:" + fmt.Sprintf("%x", sha256.Sum256(data)) }
	// changed has another configuration, which its manifest names.
	changed := func(configuration []byte) documents {
		var m map[string]any
		if err := json.Unmarshal(manifest, &m); err != nil {
			t.Fatal(err)
		}
		m["config"].(map[string]any)["digest"] = of(configuration)
		return documents{image, must(json.Marshal(m)), configuration}
	}
	replaced := func(old, new string) []byte {
		if !bytes.Contains(configuration, []byte(old)) {
			t.Fatalf("the configuration has no %s", old)
		}
		return bytes.Replace(configuration, []byte(old), []byte(new), 1)
	}
	for name, tc := range map[string]struct {
		image documents
		says  string
	}{
		"as it is":                        {documents{image, manifest, configuration}, ""},
		"the largest manifest":            {documents{image, spaces(manifest, limit), configuration}, ""},
		"a larger manifest":               {documents{image, spaces(manifest, limit+1), configuration}, "its manifest has another digest"},
		"the largest configuration":       {changed(spaces(configuration, limit)), ""},
		"a larger configuration":          {changed(spaces(configuration, limit+1)), "its configuration has another digest"},
		"a manifest with a key twice":     {documents{image, append([]byte(`{"layers":[],`), manifest[1:]...), configuration}, `its manifest: JSON has the key "layers" twice`},
		"a manifest that goes on":         {documents{image, append(bytes.Clone(manifest), "{}"...), configuration}, "its manifest: JSON has something after its end"},
		"no manifest":                     {documents{image, nil, configuration}, "its manifest: JSON: "},
		"a manifest of an index":          {documents{image, bytes.Replace(manifest, []byte("manifest.v2+json"), []byte("manifest.list.v2+json"), 1), configuration}, "and not of one image"},
		"a manifest of no layers":         {documents{image, []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"digest":"` + of(configuration) + `"},"layers":[]}`), configuration}, "different numbers of layers"},
		"no configuration":                {changed(nil), "its configuration: JSON: "},
		"a configuration with keys twice": {changed(append([]byte(`{"rootfs":{},`), configuration[1:]...)), `its configuration: JSON has the key "rootfs" twice`},
		"a configuration that is a list":  {changed([]byte("[]")), "its configuration: "},
		"a configuration without layers":  {changed(replaced(`"rootfs"`, `"rootfsx"`)), "its configuration has no layers"},
		"layers of another type":          {changed(replaced(`"type":"layers"`, `"type":"layer"`)), "its configuration has no layers"},
		"layers that are no list":         {changed([]byte(`{"rootfs":{"type":"layers","diff_ids":7}}`)), "its configuration has no layers"},
	} {
		digest := must(digest.Parse(of(tc.image.manifest)))
		_, err := derivedimage.Judge(tc.image, base, digest, sum(t, base))
		var refused *derivedimage.RefusedError
		if tc.says == "" && err != nil || tc.says != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%s: %v; want %q", name, err, tc.says)
		}
	}
}

// documents is an image with other documents.
type documents struct {
	v1.Image
	manifest, configuration []byte
}

func (d documents) RawManifest() ([]byte, error)   { return d.manifest, nil }
func (d documents) RawConfigFile() ([]byte, error) { return d.configuration, nil }

// TestRefused: everything that a derived image could add or change beside its config.
// SECURITY.md: E13.
func TestRefused(t *testing.T) {
	base := launcher(t)
	at := func(change func(h *tar.Header)) []byte {
		h := file()
		change(h)
		return archive(t, append(parents(), h)...)
	}
	also := func(h *tar.Header) []byte { return archive(t, append(parents(), file(), h)...) }
	folder := func(change func(h *tar.Header)) []byte {
		p := parents()
		change(p[1])
		return archive(t, append(p, file())...)
	}
	good := archive(t, append(parents(), file())...)
	for name, tc := range map[string]struct {
		layer  []byte
		change func(c *v1.ConfigFile)
		says   string
	}{
		"a second file":             {also(&tar.Header{Name: "usr/bin/bash", Typeflag: tar.TypeReg, Mode: 0o755, Size: 3}), nil, "another file than the config"},
		"another file":              {at(func(h *tar.Header) { h.Name = "etc/ld.so.preload" }), nil, "another file than the config"},
		"a file beside it":          {at(func(h *tar.Header) { h.Name = "etc/git-launcher/config.conf2" }), nil, "another file than the config"},
		"the file twice":            {also(file()), nil, "twice"},
		"the file by another name":  {also(&tar.Header{Name: "./etc//git-launcher/./config.conf", Typeflag: tar.TypeReg, Mode: 0o644, Size: 3}), nil, "twice"},
		"a whiteout":                {also(&tar.Header{Name: "usr/bin/.wh.bash", Typeflag: tar.TypeReg}), nil, "takes \"usr/bin/.wh.bash\" away"},
		"an opaque folder":          {also(&tar.Header{Name: "etc/.wh..wh..opq", Typeflag: tar.TypeReg}), nil, "takes \"etc/.wh..wh..opq\" away"},
		"a link for the config":     {at(func(h *tar.Header) { h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, "/proc/self/environ", 0 }), nil, "no regular file"},
		"a hard link":               {at(func(h *tar.Header) { h.Typeflag, h.Linkname, h.Size = tar.TypeLink, "etc/passwd", 0 }), nil, "no regular file"},
		"a link for a folder":       {archive(t, &tar.Header{Name: "etc/git-launcher", Typeflag: tar.TypeSymlink, Linkname: "/tmp"}, file()), nil, "no regular file"},
		"a device":                  {also(&tar.Header{Name: "dev/x", Typeflag: tar.TypeChar}), nil, "no regular file"},
		"another folder":            {also(&tar.Header{Name: "opt/", Typeflag: tar.TypeDir, Mode: 0o755}), nil, "the folder"},
		"a folder for the config":   {at(func(h *tar.Header) { h.Typeflag, h.Size = tar.TypeDir, 0 }), nil, "the folder"},
		"a folder of others":        {folder(func(h *tar.Header) { h.Uid = 1000 }), nil, "the owner or the mode of the folder"},
		"a folder that all change":  {folder(func(h *tar.Header) { h.Mode = 0o777 }), nil, "the owner or the mode of the folder"},
		"a set-user-id file":        {at(func(h *tar.Header) { h.Mode = 0o4755 }), nil, "special mode"},
		"a capability":              {at(func(h *tar.Header) { h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "x"} }), nil, "attributes of its own"},
		"a name that leads away":    {at(func(h *tar.Header) { h.Name = "x/../etc/git-launcher/config.conf" }), nil, "leads elsewhere"},
		"no config":                 {archive(t, parents()...), nil, "has no config"},
		"a config too large":        {at(func(h *tar.Header) { h.Size = 64<<10 + 1 }), nil, "larger than 64 KiB"},
		"a layer too large":         {append(bytes.Clone(good), make([]byte, 1<<20+1-len(good))...), nil, "larger than 1024 KiB"},
		"an archive behind it":      {append(bytes.Clone(good), good...), nil, "after its end"},
		"no archive":                {[]byte("x"), nil, "no archive"},
		"another entrypoint":        {good, func(c *v1.ConfigFile) { c.Config.Entrypoint = []string{"sh"} }, "config: Entrypoint"},
		"a command":                 {good, func(c *v1.ConfigFile) { c.Config.Cmd = []string{"image"} }, "config: Cmd"},
		"another user":              {good, func(c *v1.ConfigFile) { c.Config.User = "1000" }, "config: User"},
		"a variable":                {good, func(c *v1.ConfigFile) { c.Config.Env = append(c.Config.Env, "BASH_ENV=/x") }, "config: Env"},
		"a volume":                  {good, func(c *v1.ConfigFile) { c.Config.Volumes = map[string]struct{}{"/usr/bin": {}} }, "config: Volumes"},
		"a health check":            {good, func(c *v1.ConfigFile) { c.Config.Healthcheck = &v1.HealthConfig{Test: []string{"CMD", "sh"}} }, "config: Healthcheck"},
		"another working directory": {good, func(c *v1.ConfigFile) { c.Config.WorkingDir = "/tmp" }, "config: WorkingDir"},
		"a label":                   {good, func(c *v1.ConfigFile) { c.Config.Labels = map[string]string{"a": "b"} }, "config: Labels"},
		"a trigger":                 {good, func(c *v1.ConfigFile) { c.Config.OnBuild = []string{"RUN x"} }, "config: OnBuild"},
		"a stop signal":             {good, func(c *v1.ConfigFile) { c.Config.StopSignal = "SIGKILL" }, "config: StopSignal"},
		"another platform":          {good, func(c *v1.ConfigFile) { c.Architecture = "arm64" }, "architecture"},
		"an author":                 {good, func(c *v1.ConfigFile) { c.Author = "x" }, "author"},
	} {
		t.Run(name, func(t *testing.T) {
			image := with(t, base, tc.layer, tc.change)
			got, err := derivedimage.Judge(image, base, sum(t, image), sum(t, base))
			var refused *derivedimage.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(refused.Reason, tc.says) {
				t.Errorf("%q, %v; want %s", got, err, tc.says)
			}
		})
	}
}

// TestOtherLayers: an image of other layers than the base's is refused, and so are
// documents that do not have the digests.
// SECURITY.md: E13.
func TestOtherLayers(t *testing.T) {
	base, good := launcher(t), archive(t, append(parents(), file())...)
	image := with(t, base, good, nil)
	other := with(t, launcher(t), archive(t, &tar.Header{Name: "usr/bin/bash", Typeflag: tar.TypeReg, Mode: 0o755, Size: 4}), nil)
	foreign := must(mutate.AppendLayers(base, static.NewLayer(good, types.MediaType("application/x-other"))))
	for name, tc := range map[string]struct {
		image, base v1.Image
		of, from    digest.SHA256
		says        string
	}{
		"two layers":        {with(t, image, good, nil), base, digest.SHA256{}, sum(t, base), "not those of the base and one more"},
		"the base itself":   {base, base, digest.SHA256{}, sum(t, base), "not those of the base and one more"},
		"of another base":   {image, other, digest.SHA256{}, sum(t, other), "not those of the base and one more"},
		"another image":     {image, base, sum(t, other), sum(t, base), "another digest"},
		"another base":      {image, base, digest.SHA256{}, sum(t, other), "another digest"},
		"a layer of a type": {foreign, base, digest.SHA256{}, sum(t, base), "which an Engine may read differently"},
		"a lying layer":     {lying{image, layer(t, archive(t, file()))}, base, sum(t, image), sum(t, base), "other bytes than its configuration says"},
		"a lying document":  {lying{image, nil}, base, sum(t, image), sum(t, base), "its configuration has another digest"},
	} {
		if tc.of.IsZero() {
			tc.of = sum(t, tc.image)
		}
		got, err := derivedimage.Judge(tc.image, tc.base, tc.of, tc.from)
		var refused *derivedimage.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %q, %v; want %s", name, got, err, tc.says)
		}
	}
}

// lying is an image whose source returns another last layer, or another configuration.
type lying struct {
	v1.Image
	last v1.Layer
}

func (l lying) Layers() ([]v1.Layer, error) {
	layers, err := l.Image.Layers()
	if l.last != nil {
		layers[len(layers)-1] = l.last
	}
	return layers, err
}

func (l lying) RawConfigFile() ([]byte, error) {
	raw, err := l.Image.RawConfigFile()
	if l.last == nil {
		raw = append(raw, ' ')
	}
	return raw, err
}
