package derivedimage

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"gitlauncher/config"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/strictjson"
)

// The bounds of what is read, in bytes.
const (
	maxDocument = 4 << 20
	maxLayer    = 1 << 20 // uncompressed: a config has 64 KiB at most, and tar pads
)

// RefusedError says that an image is not its base and a config.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

func refuse(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

// documents are an image's two documents, each proven by its hash.
type documents struct {
	manifest v1.Manifest
	config   map[string]json.RawMessage
	diffIDs  []string
}

// Judge returns the config that a derived image holds. The image and its base must have
// these digests, whatever the sources say of themselves. A [*RefusedError] says what is
// wrong with the image. Any other error says that an image could not be read.
func Judge(image, base v1.Image, imageDigest, baseDigest digest.SHA256) ([]byte, error) {
	derived, err := read(image, imageDigest)
	if err != nil {
		return nil, fmt.Errorf("the derived image: %w", err)
	}
	from, err := read(base, baseDigest)
	if err != nil {
		return nil, fmt.Errorf("the base image: %w", err)
	}
	n := len(from.diffIDs)
	if len(derived.diffIDs) != n+1 || !slices.Equal(derived.diffIDs[:n], from.diffIDs) {
		return nil, refuse("its layers are not those of the base and one more")
	}
	if err := sameConfiguration(derived.config, from.config); err != nil {
		return nil, err
	}
	return added(image, derived)
}

// read reads an image's documents and proves them by its digest.
func read(image v1.Image, want digest.SHA256) (*documents, error) {
	raw, err := image.RawManifest()
	if err != nil {
		return nil, err
	}
	if len(raw) > maxDocument || digest.Of(raw) != want {
		return nil, refuse("its manifest has another digest than %s", want)
	}
	d := new(documents)
	if err := strictjson.Unmarshal(raw, &d.manifest); err != nil {
		return nil, refuse("its manifest: %v", err)
	}
	if t := d.manifest.MediaType; t != types.OCIManifestSchema1 && t != types.DockerManifestSchema2 {
		return nil, refuse("its manifest is of type %.80q, and not of one image", t)
	}
	raw, err = image.RawConfigFile()
	if err != nil {
		return nil, err
	}
	if len(raw) > maxDocument || "sha256:"+fmt.Sprintf("%x", sha256.Sum256(raw)) != d.manifest.Config.Digest.String() {
		return nil, refuse("its configuration has another digest than its manifest says")
	}
	if err := strictjson.Unmarshal(raw, &d.config); err != nil {
		return nil, refuse("its configuration: %v", err)
	}
	var rootfs struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	}
	if err := strictjson.Unmarshal(d.config["rootfs"], &rootfs); err != nil || rootfs.Type != "layers" {
		return nil, refuse("its configuration has no layers")
	}
	if len(d.manifest.Layers) != len(rootfs.DiffIDs) {
		return nil, refuse("its manifest and its configuration have different numbers of layers")
	}
	d.diffIDs = rootfs.DiffIDs
	return d, nil
}

// free are the members of a configuration that may differ: nothing that runs an image
// reads them, or they are judged by themselves.
var free = []string{"created", "history", "rootfs"}

// sameConfiguration compares two configurations, member by member.
func sameConfiguration(derived, base map[string]json.RawMessage) error {
	for _, pair := range []struct{ a, b map[string]json.RawMessage }{{derived, base}, {base, derived}} {
		for name, value := range pair.a {
			if slices.Contains(free, name) {
				continue
			}
			other, there := pair.b[name]
			if !there {
				return refuse("its configuration and the base's differ: one of them has no %.60q", name)
			}
			if a, b := compact(value), compact(other); a == "" || a != b {
				return refuse("its configuration is another than the base's: %s", difference(name, value, other))
			}
		}
	}
	return nil
}

// difference names the first member of "config" that differs, or the member itself.
func difference(name string, derived, base json.RawMessage) string {
	var a, b map[string]json.RawMessage
	if strictjson.Unmarshal(derived, &a) != nil || strictjson.Unmarshal(base, &b) != nil {
		return name
	}
	var differ []string
	for key := range a {
		if compact(a[key]) != compact(b[key]) {
			differ = append(differ, fmt.Sprintf("%.60s", key))
		}
	}
	for key := range b {
		if _, there := a[key]; !there {
			differ = append(differ, fmt.Sprintf("%.60s", key))
		}
	}
	slices.Sort(differ)
	return name + ": " + strings.Join(differ, ", ")
}

// compact returns JSON in one form, with its objects' keys sorted, or "" for what is
// not JSON.
func compact(value json.RawMessage) string {
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	var v any
	if len(value) == 0 || dec.Decode(&v) != nil {
		return ""
	}
	out, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(out)
}

// added reads the layer that the base does not have, and returns the config in it.
func added(image v1.Image, d *documents) ([]byte, error) {
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	if len(layers) != len(d.diffIDs) {
		return nil, refuse("its layers are not those of its manifest")
	}
	last := layers[len(layers)-1]
	switch t := d.manifest.Layers[len(layers)-1].MediaType; t {
	case types.OCILayer, types.OCILayerZStd, types.OCIUncompressedLayer, types.DockerLayer, types.DockerUncompressedLayer:
	default:
		return nil, refuse("its last layer is of type %.80q, which an Engine may read differently", t)
	}
	r, err := last.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxLayer+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxLayer {
		return nil, refuse("its last layer is larger than %d KiB, and it is to hold a config alone", maxLayer>>10)
	}
	if sum := digest.Of(data); sum.String() != d.diffIDs[len(d.diffIDs)-1] {
		return nil, refuse("its last layer has other bytes than its configuration says")
	}
	return only(data, config.DefaultFile)
}
