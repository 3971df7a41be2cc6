package main

import (
	_ "embed" // the manual is text
	"strings"

	"gitlauncher/internal/pccs"
	"gitlauncher/policy"
)

//go:embed help/manual.txt
var manual string

// usage is the manual, with what the tables of other packages know.
func usage() string {
	return strings.NewReplacer("{{the keys of the policy}}", policy.Usage(26), "{{the address of Intel's service}}", pccs.Intel).Replace(manual)
}
