package oci

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"gitlauncher/internal/strictjson"
)

// Config is what an image's config says about a container of the image.
type Config struct {
	Platform   Platform
	Env        []string
	Entrypoint []string
	Cmd        []string
	User       string
	WorkingDir string

	Healthcheck []string // what the health check runs; empty where there is none
	Volumes     []string // paths that become anonymous volumes, sorted
}

type rawConfig struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
	RootFS       *struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	Config struct {
		Env        []string `json:"Env"`
		Entrypoint []string `json:"Entrypoint"`
		Cmd        []string `json:"Cmd"`
		User       string   `json:"User"`
		WorkingDir string   `json:"WorkingDir"`

		Volumes     map[string]any `json:"Volumes"`
		Healthcheck struct {
			Test []string `json:"Test"`
		} `json:"Healthcheck"`
	} `json:"config"`
}

// ParseConfig reads an image's config.
func ParseConfig(data []byte) (*Config, error) {
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("it is larger than %d MiB", MaxDocument>>20)
	}
	var raw rawConfig
	if err := strictjson.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	if raw.RootFS == nil || raw.RootFS.Type != "layers" || raw.OS == "" || raw.Architecture == "" {
		return nil, errors.New("it is not an image config: rootfs, os or architecture is missing")
	}
	return &Config{
		Platform: Platform{raw.OS, raw.Architecture, raw.Variant}.normal(),
		Env:      raw.Config.Env, Entrypoint: raw.Config.Entrypoint, Cmd: raw.Config.Cmd,
		User: raw.Config.User, WorkingDir: raw.Config.WorkingDir,
		Healthcheck: raw.Config.Healthcheck.Test, Volumes: slices.Sorted(maps.Keys(raw.Config.Volumes)),
	}, nil
}
