package measure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// RecordVersion is the value of a launch record's "v".
const RecordVersion = "1"

// maxRecord bounds a record that is read, in bytes: 256 KiB, four config files.
const maxRecord = 256 << 10

// GitRecord is the launch record of git mode, the payload of git-launch. All
// hashes are lowercase hex. The empty string stands for what the config leaves
// out.
type GitRecord struct {
	Launcher      string // program version
	ConfigSHA256  string // of the config file's bytes
	RepoURL       string // as in the config
	Commit        string // as pinned
	Tree          string // the commit's root tree
	ContentSHA256 string // of the listing, see Listing
	Subdir        string // REPO_SUBDIR as in the config

	// Entrypoint and EntrypointSHA256 stand in a default-mode record alone,
	// RunCmd and InstallCmd in an advanced-mode record alone.
	Advanced         bool
	Entrypoint       string
	EntrypointSHA256 string
	RunCmd           string
	InstallCmd       string
}

func (r *GitRecord) fields() []field {
	fields := []field{
		{"v", RecordVersion},
		{"launcher", r.Launcher},
		{"config_sha256", r.ConfigSHA256},
		{"repo_url", r.RepoURL},
		{"commit", r.Commit},
		{"tree", r.Tree},
		{"content_sha256", r.ContentSHA256},
		{"subdir", r.Subdir},
	}
	if r.Advanced {
		return append(fields, field{"run_cmd", r.RunCmd}, field{"install_cmd", r.InstallCmd})
	}
	return append(fields, field{"entrypoint", r.Entrypoint}, field{"entrypoint_sha256", r.EntrypointSHA256})
}

// Marshal returns the record as RFC 8785 JSON. It fails only on a value that is
// not UTF-8.
func (r *GitRecord) Marshal() ([]byte, error) { return jcsObject(r.fields()) }

// ImageRecord is the launch record of image mode, the payload of image-launch.
type ImageRecord struct {
	Launcher        string // program version
	ConfigSHA256    string // of the user config's bytes, hex
	Image           string // name without digest
	ApprovedDigest  string // sha256:…, what the operators approved
	ManifestDigest  string // sha256:…, the platform's image manifest
	ConfigDigest    string // sha256:…, the image's config
	Platform        string // os/arch[/variant]
	ContainerSHA256 string // hex, of what the container is created with
}

func (r *ImageRecord) fields() []field {
	return []field{
		{"v", RecordVersion},
		{"launcher", r.Launcher},
		{"config_sha256", r.ConfigSHA256},
		{"image", r.Image},
		{"approved_digest", r.ApprovedDigest},
		{"manifest_digest", r.ManifestDigest},
		{"config_digest", r.ConfigDigest},
		{"platform", r.Platform},
		{"container_sha256", r.ContainerSHA256},
	}
}

// Marshal returns the record as RFC 8785 JSON. It fails only on a value that is
// not UTF-8.
func (r *ImageRecord) Marshal() ([]byte, error) { return jcsObject(r.fields()) }

// ParseGitRecord reads the payload of a git-launch event. Only the exact bytes
// that Marshal writes are a record.
func ParseGitRecord(payload []byte) (*GitRecord, error) {
	m, err := recordStrings(payload)
	if err != nil {
		return nil, err
	}
	_, advanced := m["run_cmd"]
	r := &GitRecord{
		Launcher: m["launcher"], ConfigSHA256: m["config_sha256"], RepoURL: m["repo_url"],
		Commit: m["commit"], Tree: m["tree"], ContentSHA256: m["content_sha256"], Subdir: m["subdir"],
		Advanced:   advanced,
		Entrypoint: m["entrypoint"], EntrypointSHA256: m["entrypoint_sha256"],
		RunCmd: m["run_cmd"], InstallCmd: m["install_cmd"],
	}
	return r, sameBytes(payload, r.fields())
}

// ParseImageRecord reads the payload of an image-launch event. Only the exact
// bytes that Marshal writes are a record.
func ParseImageRecord(payload []byte) (*ImageRecord, error) {
	m, err := recordStrings(payload)
	if err != nil {
		return nil, err
	}
	r := &ImageRecord{
		Launcher: m["launcher"], ConfigSHA256: m["config_sha256"], Image: m["image"],
		ApprovedDigest: m["approved_digest"], ManifestDigest: m["manifest_digest"], ConfigDigest: m["config_digest"],
		Platform: m["platform"], ContainerSHA256: m["container_sha256"],
	}
	return r, sameBytes(payload, r.fields())
}

// recordStrings decodes an object of strings. It may be lenient: sameBytes
// compares what was understood with what was there.
func recordStrings(payload []byte) (map[string]string, error) {
	if len(payload) > maxRecord {
		return nil, fmt.Errorf("launch record is larger than %d KiB", maxRecord>>10)
	}
	var m map[string]string
	if err := json.Unmarshal(payload, &m); err != nil {
		return nil, fmt.Errorf("launch record is not a JSON object of strings")
	}
	return m, nil
}

func sameBytes(payload []byte, fields []field) error {
	again, err := jcsObject(fields)
	if err != nil || !bytes.Equal(payload, again) {
		return fmt.Errorf("launch record is not the canonical form of version %s with exactly the keys %s", RecordVersion, keys(fields))
	}
	return nil
}

func keys(fields []field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
