package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/regularfile"
)

// Options is what access to a repository needs.
type Options struct {
	Timeout  time.Duration     // for one request
	Mirrors  []string          // addresses of Docker Hub's mirrors, which are asked first, in order
	Keychain authn.Keychain    // nil for the Docker config and its helpers
	Base     http.RoundTripper // nil for HTTPS with the system's authorities and those in CertsDir
	CertsDir string            // used without Base; empty for the constant CertsDir
	Log      *slog.Logger      // nil for none
}

// CertsDir is where Docker keeps authorities and client certificates by registry.
const CertsDir = "/etc/docker/certs.d"

// Client reads one repository of one registry, and of the registry's mirrors.
type Client struct {
	image   oci.Name
	origin  *site
	mirrors []*site
	log     *slog.Logger
}

// Open returns a client for an image's repository. It sends nothing yet, but it may run the
// credential helper that the Docker config names. Errors: *[CredentialError],
// *[CertificateError], *[Error].
func Open(ctx context.Context, image oci.Name, o Options) (*Client, error) {
	if o.Keychain == nil {
		o.Keychain = dockerConfig{}
	}
	if o.CertsDir == "" {
		o.CertsDir = CertsDir
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	// Without strict validation, docker.io becomes the host of its index. oci.ParseName has
	// validated the name.
	repo, err := name.NewRepository(image.Domain() + "/" + image.Path())
	if err != nil {
		return nil, &Error{image.String(), "reading the name", 0, NotFound, "no registry can have it"}
	}
	c := &Client{image: image, log: o.Log}
	if c.origin, err = newSite(ctx, image, repo, o, false); err != nil {
		return nil, err
	}
	if image.Domain() != oci.DockerHub {
		return c, nil // the mirrors are only Docker Hub's
	}
	for _, address := range o.Mirrors {
		repo, plain, err := mirror(address, image)
		if err != nil {
			c.log.Warn("a registry mirror is not used", "error", err.Error())
			continue
		}
		s, err := newSite(ctx, image, repo, o, plain)
		if err != nil {
			return nil, err
		}
		c.mirrors = append(c.mirrors, s)
	}
	return c, nil
}

// DaemonConfig is where a Docker Engine has its configuration.
const DaemonConfig = "/etc/docker/daemon.json"

// maxDaemonConfig is how many bytes of that file are read: 1 MiB.
const maxDaemonConfig = 1 << 20

// ConfiguredMirrors returns the mirrors in an Engine's configuration, for a machine whose
// Engine does not run. Without a file there are none.
func ConfiguredMirrors(file string) ([]string, error) {
	data, err := regularfile.Read(file, maxDaemonConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var config struct {
		Mirrors []string `json:"registry-mirrors"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("%s is not the Docker Engine's configuration", file) // err may quote a proxy's password
	}
	return config.Mirrors, nil
}

// CheckMirror requires that an address can be a mirror's: http or https, and a host. The
// error repeats no part of the address, since people write passwords there.
func CheckMirror(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("a mirror is http:// or https:// and a host, without user, path and query")
	}
	return nil
}

// mirror returns the image's repository at a mirror. plain says that the mirror speaks
// plain HTTP.
func mirror(address string, image oci.Name) (repo name.Repository, plain bool, err error) {
	if err := CheckMirror(address); err != nil {
		return name.Repository{}, false, err
	}
	scheme, host, _ := strings.Cut(strings.TrimRight(address, "/"), "://")
	var options []name.Option
	if plain = scheme == "http"; plain {
		options = append(options, name.Insecure)
	}
	repo, err = name.NewRepository(host+"/"+image.Path(), options...)
	return repo, plain, err
}

// Manifest returns the bytes that the registry has for the digest of an index or manifest.
// The caller hashes them. The error is an *[Error].
func (c *Client) Manifest(ctx context.Context, d oci.Digest) ([]byte, error) {
	return c.byDigest(ctx, d, "/manifests/", "fetching the manifest")
}

// Blob returns the bytes that the registry has for a config's digest. The caller hashes
// them. The error is an *[Error].
func (c *Client) Blob(ctx context.Context, d oci.Digest) ([]byte, error) {
	return c.byDigest(ctx, d, "/blobs/", "fetching the config")
}

// byDigest asks the mirrors, and then the registry itself. It ignores what a mirror sends
// unless it has the digest. So a mirror that is out of date, broken or lying costs only
// time.
func (c *Client) byDigest(ctx context.Context, d oci.Digest, kind, doing string) ([]byte, error) {
	reference := c.image.At(d)
	var failures []string
	for _, m := range c.mirrors {
		data, err := m.get(ctx, kind+d.String(), reference, doing)
		if err == nil && oci.Sum(data) == d {
			return data, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		why := "it sent something else"
		if err != nil {
			why = m.words(err)
		}
		c.log.Warn("a registry mirror does not have it; asking the next", "mirror", m.host(), "image", reference, "error", why)
		failures = append(failures, "mirror "+m.host()+": "+why)
	}
	data, err := c.origin.get(ctx, kind+d.String(), reference, doing)
	return data, amend(err, failures)
}

// Tagged returns the index or manifest that a tag names now. It asks the registry itself
// first, since nothing else can prove a tag, and the mirrors only if the registry can't be
// reached. The error is an *[Error].
func (c *Client) Tagged(ctx context.Context, tag string) ([]byte, error) {
	reference, doing := c.image.String()+":"+tag, "looking up the tag"
	data, err := c.origin.get(ctx, "/manifests/"+tag, reference, doing)
	if err == nil || !unreachable(err) {
		return data, err
	}
	var failures []string
	for _, m := range c.mirrors {
		data, mirrorErr := m.get(ctx, "/manifests/"+tag, reference, doing)
		if mirrorErr == nil {
			c.log.Warn("the registry can't be reached; only a mirror says what the tag names", "mirror", m.host(), "image", reference)
			return data, nil
		}
		failures = append(failures, "mirror "+m.host()+": "+m.words(mirrorErr))
	}
	return nil, amend(err, failures)
}

// Credential returns the credential for the Docker Engine to pull with; it is empty for
// none.
func (c *Client) Credential() authn.AuthConfig { return c.origin.config }

// Redact returns words of the registry or the Engine in a form for a log: one line, without
// the credential, and without a token that the registry gave for it.
func (c *Client) Redact(text string) string { return c.origin.redact(text) }
