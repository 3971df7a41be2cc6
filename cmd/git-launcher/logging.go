package main

import (
	"io"
	"log/slog"

	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/step"
)

// logging says how a command logs.
type logging struct{ format, level string }

func (l *logging) flags(f launcherflags.Destinations) {
	f.Text(&l.format, "log-format", "text")
	f.Text(&l.level, "log-level", "info")
}

func (l *logging) check() error {
	switch {
	case l.format != "text" && l.format != "json":
		return step.Usagef("--log-format is neither text nor json")
	case l.level != "debug" && l.level != "info" && l.level != "warn" && l.level != "error":
		return step.Usagef("--log-level is not debug, info, warn or error")
	}
	return nil
}

func (l *logging) json() bool { return l.format == "json" }

// logger returns a logger that writes one line for each event.
func (l *logging) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.level)) // checked with the settings
	opts := &slog.HandlerOptions{Level: level}
	if l.json() {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
