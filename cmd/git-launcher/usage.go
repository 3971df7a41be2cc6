package main

import _ "embed" // the manuals are text

// usage is what --help prints, imageUsage what image --help does. The manual pages are made
// of them, and help.go takes from them what a flag does.
var (
	//go:embed help/manual.txt
	usage string
	//go:embed help/image.txt
	imageUsage string
)
