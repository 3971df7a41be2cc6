package gitmode

import (
	"time"

	"gitlauncher/gitpin/fetch"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/step"
)

// Bounds are the most that a launch takes, and the longest that it waits.
type Bounds struct {
	PackBytes, TreeBytes int64
	Files, Retries       int
	Stall, Pack, Fetch   time.Duration
	Lock                 time.Duration
}

// DefaultBounds returns those of a launch without flags.
func DefaultBounds() Bounds {
	return Bounds{
		PackBytes: 8 << 30, TreeBytes: 32 << 30, Files: 2_000_000, Retries: -1,
		Stall: 30 * time.Second, Pack: fetch.DefaultPackTimeout, Fetch: 15 * time.Minute, Lock: 10 * time.Minute,
	}
}

// Flags sets the bounds to their defaults, and defines the flags that change them.
func (b *Bounds) Flags(f launcherflags.Destinations) {
	d := DefaultBounds()
	launcherflags.Number(f, &b.PackBytes, "max-pack-bytes", d.PackBytes, 1)
	launcherflags.Number(f, &b.TreeBytes, "max-tree-bytes", d.TreeBytes, 1)
	launcherflags.Number(f, &b.Files, "max-files", d.Files, 1)
	launcherflags.Number(f, &b.Retries, "retries", d.Retries, -1)
	f.Duration(&b.Stall, "stall-timeout", d.Stall)
	f.Duration(&b.Pack, "pack-timeout", d.Pack)
	f.Duration(&b.Fetch, "fetch-timeout", d.Fetch)
	f.Duration(&b.Lock, "lock-timeout", d.Lock)
}

// Check refuses bounds that let nothing through. Its errors are [*step.UsageError].
func (b *Bounds) Check() error {
	if b.Stall <= 0 || b.Pack <= 0 || b.Fetch <= 0 || b.Lock < 0 {
		return step.Usagef("a timeout must be above zero")
	}
	return nil
}
