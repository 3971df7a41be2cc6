// Package derivedimage judges a derived launcher image: whether it is the audited launcher and
// its config, and nothing else.
//
// A derived image (FROM git-launcher@…, COPY config.conf) has the audit of its base only
// if nothing but the config was added. So the image must have the base's layers, by the
// hashes of their content, and one more; in that layer there may be one regular file, the
// config, and the folders above it. Its configuration must be the base's but for history,
// creation time and the added layer: no other entrypoint, user, variable, volume or health
// check.
//
// What this package does not do: fetch images, or say that the base is the audited one.
// Both images are held to the digests that the reader expects.
//
// Formats: OCI image manifest and configuration 1.1, Docker image manifest version 2,
// schema 2; OCI layers (tar, with whiteouts).
package derivedimage
