package main

import (
	"fmt"
	"io"
	"strings"

	"gitlauncher/imagepin/contract"
	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/step"
)

// composeSettings is the command line of `image compose`, checked.
type composeSettings struct {
	logging
	launcher, node oci.Digest
}

func parseComposeSettings(args []string) (*composeSettings, error) {
	var c composeSettings
	var launcher, node string
	fs := c.flags(&launcher, &node).Set("compose")
	if err := parseFlags(fs, args, func(string) (string, bool) { return "", false }); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, step.Usagef("image compose takes no arguments but --launcher and --node")
	}
	for _, image := range []struct {
		flag, value, name string
		to                *oci.Digest
	}{{"launcher", launcher, contract.LauncherName, &c.launcher}, {"node", node, "", &c.node}} {
		name, digest, named := strings.Cut(image.value, "@")
		if !named {
			name, digest = "", image.value
		}
		if image.value == "" {
			return nil, step.Usagef("--%s is needed: the digest of its image, as it was voted", image.flag)
		}
		var err error
		if *image.to, err = oci.ParseDigest(digest); err != nil {
			return nil, step.Usagef("--%s: the digest %.100q %v", image.flag, digest, err)
		}
		if named && image.name != "" && name != image.name {
			return nil, step.Usagef("--%s: the contract's compose file names %s, so a launcher can be allowed under that name alone, not as %.100q", image.flag, image.name, name)
		}
	}
	return &c, nil
}

func (c *composeSettings) flags(launcher, node *string) launcherflags.Destinations {
	f := make(launcherflags.Destinations)
	c.logging.flags(f)
	f.Text(launcher, "launcher", "")
	f.Text(node, "node", "")
	return f
}

// write prints the compose file that NEAR's contract allows for two images, and
// nothing else; what to do with it goes to standard error.
func (c *composeSettings) write(stdout, stderr io.Writer) error {
	file := contract.Compose(c.launcher, c.node)
	if _, err := stdout.Write(file); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "The contract allows this file by its SHA-256, which follows from the two digests once both are voted:\n  %s\n"+
		"A relying party's policy expects it with\n  DOCKER_COMPOSE_SHA256=%s\n"+
		"Keep it as it is: one byte more or less, and the node's attestation fails. doc/migrate-mpc.md says what to vote.\n",
		oci.Sum(file).Hex(), oci.Sum(file).Hex())
	return nil
}
