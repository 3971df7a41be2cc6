//go:build !unix

package regularfile

// noFollow is nothing here: there is no such flag.
const noFollow = 0
