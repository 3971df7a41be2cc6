// Package userconfig reads /tapp/user_config, the file by which the operator of a
// node chooses what is neutral to security: where the image comes from, ports,
// the node's own settings.
//
// The file is not measured before it is read, and anyone who deploys the VM writes it.
// So nothing in it decides what may run. An override picks among approved
// digests and no more; variables reach the container by a list of names; what the
// launcher owns (the [tee] table, MPC_IMAGE_HASH) can't be given here.
//
// It comes as TOML or in the .env form of the first launcher, told apart by
// content. The .env form is read by godotenv, which expands and unquotes; where
// its reading differs from the plain one (split at the first =, trimmed, nothing
// expanded), two programs would see two values, and it is an error that names the
// key. An error or a warning never holds a value: this file has keys in it.
//
// The package is pure. Format: doc/image-mode.md.
package userconfig
