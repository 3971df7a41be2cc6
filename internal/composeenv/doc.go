// Package composeenv reads the environment that a compose file gives to a
// service, as Docker Compose passes it to the container.
//
// The launcher's config may be a variable of its service. Then the measured compose
// says what can be launched, if everyone reads the same value from it: the launcher
// that was given it, the launcher that looks for it in the measured compose, and
// the verifier. All of ours read it here.
//
// The file is decoded by package strictyaml, so block scalars, their chomping and
// folded lines are what both of Compose's YAML libraries make of them. Compose
// then fills in variables: $$ stands for one $, and any other $ for something that
// is not in the file. A value with one of those is not literal.
//
// What this package does not do: read env_file, extends or include, which take
// values from elsewhere. A caller who relies on a value must see that the service
// has none of these.
package composeenv
