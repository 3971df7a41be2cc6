package imagepin

import (
	"errors"
	"fmt"
	"io/fs"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/regularfile"
	"gitlauncher/internal/strictjson"
)

// maxApproved bounds the approved-hashes file, in bytes: 64 KiB, some 900 digests.
const maxApproved = 64 << 10

// ApprovedError says why an approved-hashes file that exists can't be used. It is never a
// reason to run the default digest instead.
type ApprovedError struct {
	File   string
	Reason string
}

func (e *ApprovedError) Error() string {
	return fmt.Sprintf("approved hashes %s: %s", e.File, e.Reason)
}

// ErrNotApproved says that the user config's override is not among the approved digests.
var ErrNotApproved = errors.New("the override is not an approved digest")

// ErrNoDigest says that there is neither an approved-hashes file nor a default.
var ErrNoDigest = errors.New("there is no approved-hashes file and no default digest")

// ParseApproved reads {"approved_hashes":["sha256:…", …]}, newest first. There must be at
// least one digest, and all must be well formed. Other keys are ignored, since the node
// writes the file and may add some.
func ParseApproved(data []byte) ([]oci.Digest, error) {
	var file struct {
		Hashes []string `json:"approved_hashes"`
	}
	if err := strictjson.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if len(file.Hashes) == 0 {
		return nil, errors.New("approved_hashes is missing or empty")
	}
	digests := make([]oci.Digest, len(file.Hashes))
	for i, h := range file.Hashes {
		var err error
		if digests[i], err = oci.ParseDigest(h); err != nil {
			return nil, fmt.Errorf("entry %d %w", i+1, err)
		}
	}
	return digests, nil
}

// ReadApproved reads the file that the node writes. exists is false only where there is no
// file. Anything but a well-formed regular file is an *[ApprovedError], even a symbolic
// link to nothing: anyone who can make one must not be able to bring back the default.
func ReadApproved(name string) (digests []oci.Digest, exists bool, err error) {
	data, err := regularfile.ReadUnlinked(name, maxApproved)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	fail := func(reason string) ([]oci.Digest, bool, error) {
		return nil, true, &ApprovedError{name, reason}
	}
	if err != nil {
		return fail(cause(err).Error())
	}
	if digests, err = ParseApproved(data); err != nil {
		return fail(err.Error())
	}
	return digests, true, nil
}

// Choose returns the digest to run. Without an approved-hashes file that is fallback. With
// one it is override, which must be in the list, or else the first entry. A zero digest
// means that there is none. Errors are [ErrNoDigest] and [ErrNotApproved].
func Choose(approved []oci.Digest, exists bool, fallback, override oci.Digest) (oci.Digest, error) {
	switch {
	case !exists && fallback.IsZero():
		return oci.Digest{}, ErrNoDigest
	case !exists:
		return fallback, nil
	case len(approved) == 0: // which ReadApproved never returns
		return oci.Digest{}, ErrNoDigest
	case override.IsZero():
		return approved[0], nil
	}
	for _, d := range approved {
		if d == override {
			return override, nil
		}
	}
	return oci.Digest{}, fmt.Errorf("%w: %s", ErrNotApproved, override)
}

// cause returns an error of package os without the path, which the text around it has.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
