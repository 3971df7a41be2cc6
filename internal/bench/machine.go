package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine describes the machine that runs the measurements.
func machine() string {
	model := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s", runtime.Version(), runtime.NumCPU(), model)
}
