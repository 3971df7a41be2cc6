// Package folder knows who owns the folders of a dstack VM: the system, or
// applications.
//
// A container that gets a folder of the VM gets what the system keeps there. The owners
// follow from dstack's dstack-prepare.sh, app-compose.sh and system_setup.rs of 0.5.11
// and 0.6: /tapp is a link to /dstack, and /dstack is /var/volatile/dstack, the folder
// in which Compose runs, so that relative paths are below it. There, dstack keeps
// .host-shared (app-compose, keys, the decrypted variables), app-compose.json,
// user_config, agent.json (the guest agent's config) and docker-compose.yaml, and
// mounts the data disk, with Docker's own root, on persistent. Compose reads .env and
// files of several names there. The rest of the VM is the system.
//
// So there is a list of what services may have, and everything else is the system's:
// anything that a later dstack puts there is refused, too.
//
// It also knows which places in the launcher's image are the audited image's own
// ([OfImage]).
//
// What this package does not do: follow links. A service that can write in one of
// these folders can put a link there; package compose refuses what lies below it.
package folder
