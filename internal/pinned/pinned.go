package pinned

import (
	"errors"
	"maps"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"gitlauncher/config"
	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
)

// Error says why a launch is not pinned.
type Error struct{ Reason string }

func (e *Error) Error() string { return "the launch is not pinned: " + e.Reason }

// ByCompose returns the service of the measured compose file that has exactly this
// config in its literal variable [config.ConfigVariable]. Errors are *[Error].
func ByCompose(boot measure.Boot, conf []byte) (service string, err error) {
	text, err := composeFile(boot)
	if err != nil {
		return "", err
	}
	values, err := composeenv.Values(text, config.ConfigVariable)
	if err != nil {
		return "", &Error{"the measured compose file can't be read: " + err.Error()}
	}
	if len(values) == 0 {
		return "", &Error{"no service of the measured compose file has a literal " + config.ConfigVariable}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == string(conf) {
			return name, nil
		}
	}
	return "", &Error{"the measured compose file has another config in " + config.ConfigVariable + " than the one that was read"}
}

// composeFile returns the measured compose file. Errors are *[Error].
func composeFile(boot measure.Boot) ([]byte, error) {
	data, err := boot.AppCompose()
	if err != nil {
		return nil, &Error{err.Error()}
	}
	var app struct {
		File *string `json:"docker_compose_file"`
	}
	if err := strictjson.Unmarshal(data, &app); err != nil {
		return nil, &Error{"the measured app-compose can't be read: " + err.Error()}
	}
	if app.File == nil {
		return nil, &Error{"the measured app-compose has no docker_compose_file"}
	}
	return []byte(*app.File), nil
}

// ByImage requires that a file is the image's own: that it is on the root file system,
// which must be read-only, and on no other mount. The measured compose names the image.
// Errors are [*Error].
func ByImage(file string) error { return byImage(file, "/") }

func byImage(file, root string) error {
	var rootFS unix.Statfs_t
	if err := unix.Statfs(root, &rootFS); err != nil || rootFS.Flags&unix.ST_RDONLY == 0 {
		return &Error{"the root file system is writable, so the config need not be the image's"}
	}
	return sameMount(file, root)
}

// sameMount requires that a file is on the mount of root, and not on one of its own.
func sameMount(file, root string) error {
	of, err := mount(file)
	top, topErr := mount(root)
	if err := errors.Join(err, topErr); err != nil {
		return &Error{"which mount the config is on can't be seen: " + err.Error()}
	}
	if of != top {
		return &Error{file + " is mounted, and not in the image"}
	}
	return nil
}

// mount returns the id of the mount that a path is on.
func mount(path string) (uint64, error) {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_MNT_ID, &s); err != nil {
		return 0, &os.PathError{Op: "statx", Path: path, Err: err}
	}
	if s.Mask&unix.STATX_MNT_ID == 0 {
		return 0, errors.New("the kernel does not say (it needs Linux 5.8)")
	}
	return s.Mnt_id, nil
}
