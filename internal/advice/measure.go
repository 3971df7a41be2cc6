package advice

import (
	"errors"

	"gitlauncher/config"
	"gitlauncher/internal/pinned"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/step"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// Measuring returns exit code and hint for errors of the guest agent and of measuring.
// For other errors the hint is empty.
func Measuring(err error) (code int, hint string) {
	if hint := measureHint(err); hint != "" {
		return Measure, hint
	}
	return 0, ""
}

func measureHint(err error) string {
	var (
		socket *dstack.SocketError
		call   *dstack.CallError
		loose  *pinned.Error
		left   *receipt.Error
		s      *step.Error
	)
	switch {
	case errors.As(err, &loose):
		return "put the config, byte for byte, into " + config.ConfigVariable + " of the launcher's service in the compose file that you deploy; `git-launcher pin` writes such a file. " +
			"An image with the config in it says GIT_LAUNCHER_MEASURE=pinned and has a read-only root file system. On dstack 0.5 a launch needs neither: it is recorded"
	case errors.Is(err, measure.ErrNoEmit):
		return "dstack 0.6 and later let no application record events. Launch with --measure auto or pinned and the config in the compose file (" + config.ConfigVariable + "), or run on dstack 0.5, as image mode with a list of approved digests has to"
	case errors.Is(err, measure.ErrLogMismatch):
		return "reboot the VM: an event is in the log and not in the register, which nothing else mends"
	case errors.Is(err, measure.ErrOtherImage):
		return "reboot the VM to change the image: those who check the event accept one in a boot"
	case errors.Is(err, measure.ErrNotReady):
		return "wait until dstack has booted, then start again"
	case errors.As(err, &socket):
		return "mount the guest agent's socket there, or name it with --dstack-endpoint; without a TEE a launch takes --platform nontee"
	case errors.As(err, &left):
		return "make the receipt's place writable (--receipt), or launch without --require-receipt"
	case errors.Is(err, receipt.ErrNoLaunch):
		return "launch something first"
	case errors.As(err, &call), errors.As(err, &s) && s.Step == step.Measure:
		return "look at the guest agent of this VM; nothing is started that could not be measured"
	}
	return ""
}
