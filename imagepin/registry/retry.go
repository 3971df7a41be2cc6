package registry

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/userconfig"
)

// retryFactor is the ratio of a pause to the one before (doc/image-mode.md).
const retryFactor = 1.5

// Sleep waits, and returns early with an error when the context ends.
type Sleep func(context.Context, time.Duration) error

// Retry calls do until it succeeds, until it fails in a way that another try can't help
// ([Reason.Retry]), or until policy allows no further try. It returns the last error.
func Retry(ctx context.Context, policy userconfig.Pull, log *slog.Logger, sleep Sleep, do func() error) error {
	wait := backoff.ExponentialBackOff{InitialInterval: policy.Interval, Multiplier: retryFactor, MaxInterval: policy.MaxDelay}
	wait.Reset()
	for try := 1; ; try++ {
		err := do()
		var fault *Error
		if err == nil || !errors.As(err, &fault) || !fault.Reason.Retry() || try > policy.Retries || ctx.Err() != nil {
			return err
		}
		pause := min(wait.NextBackOff(), policy.MaxDelay)
		log.Warn("trying again", "error", err.Error(), "in", pause, "try", try, "of", policy.Retries)
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// Patient is a client that tries again after network faults.
type Patient struct {
	*Client
	Policy userconfig.Pull
	Log    *slog.Logger
	Sleep  Sleep
}

func (p Patient) again(ctx context.Context, get func() ([]byte, error)) (data []byte, err error) {
	err = Retry(ctx, p.Policy, p.Log, p.Sleep, func() error {
		data, err = get()
		return err
	})
	return data, err
}

// Manifest implements imagepin.Source.
func (p Patient) Manifest(ctx context.Context, d oci.Digest) ([]byte, error) {
	return p.again(ctx, func() ([]byte, error) { return p.Client.Manifest(ctx, d) })
}

// Blob implements imagepin.Source.
func (p Patient) Blob(ctx context.Context, d oci.Digest) ([]byte, error) {
	return p.again(ctx, func() ([]byte, error) { return p.Client.Blob(ctx, d) })
}

// Tagged implements imagepin.Tags.
func (p Patient) Tagged(ctx context.Context, tag string) ([]byte, error) {
	return p.again(ctx, func() ([]byte, error) { return p.Client.Tagged(ctx, tag) })
}
