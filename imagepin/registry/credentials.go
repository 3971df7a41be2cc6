package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"gitlauncher/internal/bounded"
	"gitlauncher/internal/regularfile"
)

// dockerConfig finds credentials in docker's config or, where there is none, in podman's.
// It has a type so that its failures can be told from those of another keychain.
type dockerConfig struct{}

// Resolve implements [authn.Keychain].
func (dockerConfig) Resolve(r authn.Resource) (authn.Authenticator, error) {
	// podman has credentials for single repositories. docker has them only for a registry,
	// and so do its helpers.
	auth, err := authn.DefaultKeychain.Resolve(r)
	if err == nil {
		return auth, nil
	}
	if auth, err = authn.DefaultKeychain.Resolve(registryOnly{r}); err != nil {
		return nil, &dockerConfigError{err}
	}
	return auth, nil
}

// registryOnly is a repository that is looked up by its registry's name.
type registryOnly struct{ authn.Resource }

// String implements [authn.Resource].
func (r registryOnly) String() string { return r.RegistryStr() }

// dockerConfigError hides the text of an error, which may have a credential.
type dockerConfigError struct{ err error }

func (e *dockerConfigError) Error() string { return fmt.Sprintf("%T", e.err) }

// maxConfig is how many bytes of a Docker config are read to find its fault: 1 MiB.
const maxConfig = 1 << 20

var errHelperHangs = errors.New("it does not answer")

// credential asks a keychain. It stops waiting for a helper when the context ends.
func credential(ctx context.Context, keychain authn.Keychain, repo name.Repository) (authn.Authenticator, *authn.AuthConfig, error) {
	type found struct {
		auth   authn.Authenticator
		config *authn.AuthConfig
	}
	f, err := bounded.Call(ctx, func() (found, error) {
		auth, err := authn.Resolve(ctx, keychain, repo)
		if err != nil {
			return found{}, err
		}
		config, err := authn.Authorization(ctx, auth)
		return found{auth, config}, err
	})
	return f.auth, f.config, err
}

// diagnose names the file or helper that supplied no credential, and the reason. It looks
// for itself, because err must not be shown: a helper's words may be the credential.
func diagnose(host string, err error) error {
	fault := &CredentialError{Registry: host, Reason: fmt.Sprintf("can't read one (%T)", err)}
	var ours *dockerConfigError
	hangs := errors.Is(err, errHelperHangs)
	if !errors.As(err, &ours) && !hangs {
		return fault
	}
	file := configFile()
	data, readErr := regularfile.Read(file, maxConfig)
	if readErr != nil {
		var path *fs.PathError
		if errors.As(readErr, &path) {
			readErr = path.Err
		}
		return &CredentialError{Registry: host, File: file, Reason: readErr.Error()}
	}
	fault.File = file
	var config struct {
		Auths map[string]struct {
			Auth string `json:"auth"`
		} `json:"auths"`
		CredsStore  string            `json:"credsStore"`
		CredHelpers map[string]string `json:"credHelpers"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		fault.Reason = "it is not a Docker config: " + jsonFault(data, err)
		return fault
	}
	for _, key := range slices.Sorted(maps.Keys(config.Auths)) {
		if auth := config.Auths[key].Auth; !decodes(auth) {
			fault.Reason = fmt.Sprintf("auth of %.100q is not USER:PASSWORD in base64", key)
			return fault
		}
	}
	suffix, key := config.CredsStore, "credsStore"
	for _, name := range []string{host, authn.DefaultAuthKey} {
		if h, ok := config.CredHelpers[name]; ok && (name == host || host == indexHost) {
			suffix, key = h, "credHelpers"
		}
	}
	if suffix == "" {
		return fault
	}
	fault.Helper, fault.File = helperPrefix+suffix, key+" of "+file
	fault.Reason = helperFault(fault.Helper, hangs)
	return fault
}

const (
	helperPrefix = "docker-credential-"
	indexHost    = name.DefaultRegistry // the host that Docker Hub's credentials are for
)

// helperFault returns why a helper supplied no credential.
func helperFault(helper string, hangs bool) string {
	switch _, err := exec.LookPath(helper); {
	case errors.Is(err, exec.ErrNotFound):
		return "it is not installed: no such program in PATH"
	case err != nil:
		return "it can't be run: " + errors.Unwrap(err).Error()
	case hangs:
		return errHelperHangs.Error()
	}
	return "it failed, or its answer makes no sense"
}

// decodes reports whether auth is USER:PASSWORD in base64, as docker writes it, or empty.
func decodes(auth string) bool {
	if auth == "" {
		return true
	}
	plain, err := base64.StdEncoding.DecodeString(auth)
	user, _, ok := strings.Cut(string(plain), ":")
	return err == nil && ok && user != ""
}

// jsonFault returns a decoder's error with the line, and without the content.
func jsonFault(data []byte, err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		line := 1 + strings.Count(string(data[:min(int(syntax.Offset), len(data))]), "\n")
		return fmt.Sprintf("line %d is not JSON", line)
	case errors.As(err, &kind):
		return fmt.Sprintf("%s has the wrong type", kind.Field)
	}
	return "it is not JSON"
}

// configFile returns the file that the keychain read: the first that exists, in its order.
func configFile() string {
	there := func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && !info.IsDir()
	}
	home, _ := os.UserHomeDir()
	docker := filepath.Join(home, ".docker", "config.json")
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		docker = filepath.Join(dir, "config.json")
	}
	configDir := os.Getenv("XDG_CONFIG_HOME")
	if configDir == "" {
		configDir = filepath.Join(home, ".config")
	}
	for _, file := range []string{
		docker, os.Getenv("REGISTRY_AUTH_FILE"), filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "containers/auth.json"), filepath.Join(configDir, "containers/auth.json"),
	} {
		if file != "" && there(file) {
			return file
		}
	}
	return docker
}
