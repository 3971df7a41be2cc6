package main

import _ "embed" // the manuals are text

// usage is what --help prints, and imageUsage what image --help prints. The manual
// pages are made from them, and help.go takes the text of flags from them.
var (
	//go:embed help/manual.txt
	usage string
	//go:embed help/image.txt
	imageUsage string
)
