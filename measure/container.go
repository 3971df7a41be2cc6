package measure

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Container describes the container that image mode creates, as far as the user config and
// the profile decide it. Its hash is in the launch record, so that a verifier who has both
// can compute it again. The forms:
//
//	Image         name@sha256:…
//	Command       in order; empty for the image's own
//	Env           NAME=VALUE, in addition to the image's own
//	Ports         HOST:CONTAINER/tcp
//	Mounts        SOURCE:TARGET, and :ro where it is read-only; a source is an
//	              absolute path or the name of a volume
//	SecurityOpt   as the Docker Engine takes it
//	Restart       the Docker Engine's policy
type Container struct {
	Name, Image, Restart, Network            string
	Command, Env, Ports, Mounts, SecurityOpt []string
}

// Marshal returns the RFC 8785 JSON of an object with exactly the keys command, env, image,
// mounts, name, network, ports, restart and security_opt. All lists but command are sorted
// bytewise. It fails only on a string that is not UTF-8.
func (c *Container) Marshal() ([]byte, error) {
	type value = func() ([]byte, error)
	text := func(s string) value { return func() ([]byte, error) { return jcsString(s) } }
	list := func(l []string) value { return func() ([]byte, error) { return jcsList(l) } }
	sorted := func(l []string) value { return list(slices.Sorted(slices.Values(l))) }
	out := []byte{'{'}
	for i, m := range []struct {
		key   string
		value value
	}{ // in the order of the keys
		{"command", list(c.Command)},
		{"env", sorted(c.Env)},
		{"image", text(c.Image)},
		{"mounts", sorted(c.Mounts)},
		{"name", text(c.Name)},
		{"network", text(c.Network)},
		{"ports", sorted(c.Ports)},
		{"restart", text(c.Restart)},
		{"security_opt", sorted(c.SecurityOpt)},
	} {
		value, err := m.value()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.key, err)
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(fmt.Appendf(out, `"%s":`, m.key), value...)
	}
	return append(out, '}'), nil
}

// SHA256 returns container_sha256: the hash of Marshal's bytes in lowercase hex.
func (c *Container) SHA256() (string, error) {
	data, err := c.Marshal()
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), err
}

func jcsList(list []string) ([]byte, error) {
	out := []byte{'['}
	for i, s := range list {
		if i > 0 {
			out = append(out, ',')
		}
		item, err := jcsString(s)
		if err != nil {
			return nil, err
		}
		out = append(out, item...)
	}
	return append(out, ']'), nil
}
