package measure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
)

// The values of a launch record's "v". A record of image mode has the first.
const (
	RecordVersion       = "1"
	RecordVersionPlaced = "2" // files were placed that are not in the commit's own tree
)

// maxRecord is the size of the largest record that is read, in bytes: 256 KiB, which is four
// config files.
const maxRecord = 256 << 10

// GitRecord is the launch record of git mode, the payload of git-launch (VERIFY.md). All
// hashes are lowercase hex. A field is empty where the config leaves it out.
type GitRecord struct {
	Launcher      string // program version
	ConfigSHA256  string // of the config file's bytes
	RepoURL       string // as in the config
	Commit        string // as pinned
	Tree          string // the commit's root tree
	ContentSHA256 string // see [Listing]
	Subdir        string // REPO_SUBDIR as in the config

	// Advanced says that the config has RUN_CMD. The record then has RunCmd and InstallCmd,
	// and otherwise Entrypoint and EntrypointSHA256.
	Advanced         bool
	Entrypoint       string
	EntrypointSHA256 string
	RunCmd           string
	InstallCmd       string

	// What was placed beyond the commit's own tree. With either, the record is of version 2.
	Submodules []Submodule // in the order of the listing
	LFSSHA256  string      // see [LFSListing]; empty where no Git LFS content was placed
}

// Submodule is a submodule that was placed, at any depth.
type Submodule struct {
	Commit string // hex
	Path   string // below the root of the checkout; UTF-8 without control characters
}

// Beyond says what to place beyond a commit's own tree.
type Beyond struct {
	Submodules []Submodule // these submodules and no others
	Recursive  bool        // all submodules that SUBMODULES=recursive places
	LFS        bool        // the contents of Git LFS files
}

// Version returns the value of "v" that the record has.
func (r *GitRecord) Version() string {
	if len(r.Submodules) > 0 || r.LFSSHA256 != "" {
		return RecordVersionPlaced
	}
	return RecordVersion
}

func (r *GitRecord) fields() []field {
	fields := []field{
		{"v", r.Version()},
		{"launcher", r.Launcher},
		{"config_sha256", r.ConfigSHA256},
		{"repo_url", r.RepoURL},
		{"commit", r.Commit},
		{"tree", r.Tree},
		{"content_sha256", r.ContentSHA256},
		{"subdir", r.Subdir},
	}
	if r.Version() == RecordVersionPlaced {
		fields = append(fields, field{"submodules", SubmoduleLines(r.Submodules)}, field{"lfs_sha256", r.LFSSHA256})
	}
	if r.Advanced {
		return append(fields, field{"run_cmd", r.RunCmd}, field{"install_cmd", r.InstallCmd})
	}
	return append(fields, field{"entrypoint", r.Entrypoint}, field{"entrypoint_sha256", r.EntrypointSHA256})
}

// Marshal returns the record as RFC 8785 JSON. It fails only on a value that is not UTF-8,
// and on a submodule that [SubmoduleLines] can't write as one line.
func (r *GitRecord) Marshal() ([]byte, error) {
	for _, s := range r.Submodules {
		if s.Commit == "" || s.Path == "" || strings.ContainsFunc(s.Commit+s.Path, unicode.IsControl) || strings.Contains(s.Commit, " ") {
			return nil, fmt.Errorf("submodules: %.200q at commit %.64q has no line of its own", s.Path, s.Commit)
		}
	}
	return jcsObject(r.fields())
}

// SubmoduleLines returns the value of "submodules": a line "<commit> <path>" for each,
// without a line feed at the end.
func SubmoduleLines(submodules []Submodule) string {
	lines := make([]string, len(submodules))
	for i, s := range submodules {
		lines[i] = s.Commit + " " + s.Path
	}
	return strings.Join(lines, "\n")
}

// parseSubmodules is the inverse of [SubmoduleLines]. It may be lenient, since canonical
// compares what it read with what was there.
func parseSubmodules(text string) (submodules []Submodule) {
	if text == "" {
		return nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		commit, path, _ := strings.Cut(line, " ")
		submodules = append(submodules, Submodule{Commit: commit, Path: path})
	}
	return submodules
}

// ImageRecord is the launch record of image mode, the payload of image-launch.
type ImageRecord struct {
	Launcher        string // program version
	ConfigSHA256    string // of the user config's bytes, hex
	Image           string // name without digest
	ApprovedDigest  string // sha256:…, the one that the operators approved
	ManifestDigest  string // sha256:…, of the platform's image manifest
	ConfigDigest    string // sha256:…, of the image's config
	Platform        string // os/arch[/variant]
	ContainerSHA256 string // hex, see [Container.SHA256]
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

// Marshal returns the record as RFC 8785 JSON. It fails only on a value that is not UTF-8.
func (r *ImageRecord) Marshal() ([]byte, error) { return jcsObject(r.fields()) }

// ParseGitRecord reads the payload of a git-launch event. It accepts only the exact bytes
// that [GitRecord.Marshal] returns.
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
		Submodules: parseSubmodules(m["submodules"]), LFSSHA256: m["lfs_sha256"],
	}
	if err := canonical(payload, r); err != nil {
		return nil, err
	}
	return r, nil
}

// ParseImageRecord reads the payload of an image-launch event. It accepts only the exact
// bytes that [ImageRecord.Marshal] returns.
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
	if err := canonical(payload, r); err != nil {
		return nil, err
	}
	return r, nil
}

// recordStrings decodes an object of strings. It may be lenient, since canonical compares
// what it read with what was there.
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

// canonical requires that the payload is exactly the record, written again.
func canonical(payload []byte, r interface {
	Marshal() ([]byte, error)
	fields() []field
}) error {
	again, err := r.Marshal()
	if err == nil && bytes.Equal(payload, again) {
		return nil
	}
	fields := r.fields()
	version := fields[slices.IndexFunc(fields, func(f field) bool { return f.key == "v" })].value
	return fmt.Errorf("launch record is not the canonical form of version %s with exactly the keys %s", version, keyList(fields))
}

func keyList(fields []field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
