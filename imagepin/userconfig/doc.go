// Package userconfig reads /tapp/user_config. In this file the operator of a node chooses
// what does not affect security: where the image comes from, ports, the node's settings.
//
// The file is not measured before it is read, and anyone who deploys the VM writes it. So
// nothing in it decides what may run. An override only chooses among approved digests.
// Only variables with listed names reach the container. The operator can't set what the
// launcher sets (the table tee, MPC_IMAGE_HASH).
//
// The file is TOML or has the .env form of the first launcher; its content tells which.
// Two programs could read a .env value in two ways: godotenv expands and unquotes, and the
// plain reading is the text after the first =, trimmed. Where the two differ, it is an
// error that names the key. No error or warning repeats a value, since the file has secret
// keys in it.
//
// The package is pure. Format: doc/image-mode.md.
package userconfig
