// Package model reads a compose file for the packages that judge it.
//
// A [Model] has the file in two forms: as it is after aliases and merge keys, which
// package strictyaml reads so that no reader has a choice, and in compose-go's
// canonical form, with long syntax everywhere, which is what Docker Compose makes of
// it. Exceptions are bound to the first form, since the second changes with compose-go.
// The second is what is judged.
//
// Nothing is interpolated: a ${…} is not in the file, and [FilledIn] finds it. Nothing
// that the file names is opened.
//
// What this package does not do: say what is harmless.
package model
