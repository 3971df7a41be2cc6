package registry

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/regtest"
	"gitlauncher/internal/testenv"
)

// anonymous has no credential.
type anonymous struct{}

func (anonymous) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

// password has a credential for a single registry.
type password struct{ host, password string }

func (p password) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if r.RegistryStr() != p.host {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(authn.AuthConfig{Username: "user", Password: p.password}), nil
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func parse(t *testing.T, reference string) oci.Name {
	t.Helper()
	name, err := oci.ParseName(reference)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, reference string, o Options) *Client {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	c, err := Open(t.Context(), parse(t, reference), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start serves a registry with one image, and returns the digest of the image's manifest.
func start(t *testing.T, s *regtest.Server, repository string) oci.Digest {
	t.Helper()
	stop, err := regtest.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	i, err := regtest.NewImage(v1.Platform{OS: "linux", Architecture: "amd64"}, v1.Config{}, "1")
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := regtest.Pusher{Host: s.Host, Password: s.Password}.Push(repository+":v1", i)
	if err != nil {
		t.Fatal(err)
	}
	d, err := oci.ParseDigest(pushed)
	if err != nil {
		t.Fatal(err)
	}
	s.Requests()
	return d
}

// TestEcho: a registry that repeats the credential, in whichever form it got it, does not
// get it into a log.
// SECURITY.md: R3.
func TestEcho(t *testing.T) {
	const secret = "correct-horse"
	c := open(t, "127.0.0.1:1/a", Options{Keychain: password{"127.0.0.1:1", secret}})
	said := "you sent " + secret + ", or " + base64.StdEncoding.EncodeToString([]byte("user:"+secret)) + "\n\x1b[31m"
	if got := c.Redact(said); got != "you sent [secret], or [secret] [31m" {
		t.Errorf("%q", got)
	}
}

// TestEchoOfAToken: a registry that repeats the token, which it gave for the credential, does
// not get it into an error.
// SECURITY.md: R3.
func TestEchoOfAToken(t *testing.T) {
	const given = "eyJ0eXAiOiJKV1QifQ.given-for-the-credential"
	answer := func(r *http.Request, status int, text string) *http.Response {
		w := httptest.NewRecorder()
		if w.Header().Set("Content-Type", "application/json"); r.URL.Path == "/v2/" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://registry.example/token",service="x"`)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, text)
		res := w.Result()
		res.Request = r
		return res
	}
	c := open(t, "registry.example/a", Options{Keychain: password{"registry.example", "correct-horse"}, Base: transportFunc(func(r *http.Request) (*http.Response, error) {
		switch r.URL.Path {
		case "/v2/":
			return answer(r, http.StatusUnauthorized, "{}"), nil
		case "/token":
			return answer(r, http.StatusOK, `{"token":"`+given+`"}`), nil
		}
		return answer(r, http.StatusForbidden, `{"errors":[{"code":"DENIED","message":"you sent `+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+`"}]}`), nil
	})})
	_, err := c.Manifest(t.Context(), oci.Sum(nil))
	if err == nil || !strings.Contains(err.Error(), "you sent [secret]") {
		t.Errorf("%v", err)
	}
	if got := c.Redact("you sent " + given); got != "you sent [secret]" {
		t.Errorf("%s", got)
	}
}

// TestPlainHTTP: no credential and no request goes to a registry elsewhere without TLS.
// SECURITY.md: R3.
func TestPlainHTTP(t *testing.T) {
	var asked bytes.Buffer
	spy := transportFunc(func(r *http.Request) (*http.Response, error) {
		fmt.Fprintln(&asked, r.URL)
		return nil, errors.New("no network")
	})
	for _, host := range []string{"10.0.0.1:5000", "192.168.1.1", "registry.local", "ghcr.io"} {
		_, err := open(t, host+"/team/image", Options{Keychain: anonymous{}, Base: spy}).Manifest(t.Context(), oci.Sum(nil))
		var e *Error
		if !errors.As(err, &e) || strings.Contains(asked.String(), "http://") {
			t.Errorf("%s: %v, %s", host, err, asked.String())
		}
	}
}

// TestCredentials: a credential that docker finds is found. Otherwise the error names the
// file or the helper at fault and the reason, and quotes neither.
func TestCredentials(t *testing.T) {
	const host, secret = "registry.example:5000", "correct-horse"
	auth := base64.StdEncoding.EncodeToString([]byte("user:" + secret))
	helper := func(script string) map[string]string {
		return map[string]string{"docker-credential-test": "#!/bin/sh\n" + script}
	}
	for name, tc := range map[string]struct {
		config   string            // of $DOCKER_CONFIG/config.json; empty: there is none
		programs map[string]string // in PATH
		want     string            // a word of the error; empty: none
		user     string            // the credential's user; empty: anonymous
	}{
		"no config":                 {},
		"empty config":              {config: `{}`},
		"an entry":                  {config: `{"auths":{"` + host + `":{"auth":"` + auth + `"}}}`, user: "user"},
		"another registry's entry":  {config: `{"auths":{"ghcr.io":{"auth":"` + auth + `"}}}`},
		"a helper":                  {config: `{"credHelpers":{"` + host + `":"test"}}`, programs: helper(`echo '{"Username":"robot","Secret":"s"}'`), user: "robot"},
		"a store":                   {config: `{"credsStore":"test"}`, programs: helper(`echo '{"Username":"robot","Secret":"s"}'`), user: "robot"},
		"a store that has none":     {config: `{"credsStore":"test"}`, programs: helper(`echo 'credentials not found in native keychain'; exit 1`)},
		"another's missing helper":  {config: `{"credHelpers":{"ghcr.io":"gone"}}`},
		"a helper wins over stores": {config: `{"credsStore":"gone","credHelpers":{"` + host + `":"test"}}`, programs: helper(`echo '{"Username":"robot","Secret":"s"}'`), user: "robot"},

		"a missing helper":         {config: `{"credHelpers":{"` + host + `":"ecr-login"}}`, want: "docker-credential-ecr-login, which credHelpers of FILE names: it is not installed"},
		"a missing store":          {config: `{"credsStore":"desktop"}`, want: "docker-credential-desktop, which credsStore of FILE names: it is not installed"},
		"a store, though an entry": {config: `{"credsStore":"desktop","auths":{"` + host + `":{}}}`, want: "docker-credential-desktop"},
		"a helper that is no program": {config: `{"credsStore":"folder"}`, programs: map[string]string{"docker-credential-folder/x": ""},
			want: "docker-credential-folder, which credsStore of FILE names: it"},
		"a helper that fails":        {config: `{"credsStore":"test"}`, programs: helper("echo " + secret + "; exit 3"), want: "docker-credential-test, which credsStore of FILE names: it failed"},
		"a helper's nonsense":        {config: `{"credsStore":"test"}`, programs: helper("echo " + secret), want: "docker-credential-test, which credsStore of FILE names: it failed, or its answer makes no sense"},
		"half a config":              {config: `{"auths":{`, want: "FILE: it is not a Docker config: line 1 is not JSON"},
		"a config with a comma":      {config: "{\n\"auths\":{},\n}", want: "FILE: it is not a Docker config: line 3 is not JSON"},
		"a byte-order mark":          {config: "\ufeff{}", want: "FILE: it is not a Docker config: line 1 is not JSON"},
		"a list of auths":            {config: `{"auths":[]}`, want: "FILE: it is not a Docker config: auths has the wrong type"},
		"an auth that is not base64": {config: `{"auths":{"` + host + `":{"auth":"` + secret + `"}}}`, want: `FILE: auth of "` + host + `" is not USER:PASSWORD in base64`},
		"another's auth is not":      {config: `{"auths":{"ghcr.io":{"auth":"%%"},"` + host + `":{"auth":"` + auth + `"}}}`, want: `FILE: auth of "ghcr.io" is not USER:PASSWORD in base64`},
		"an auth without a password": {config: `{"auths":{"` + host + `":{"auth":"dXNlcg=="}}}`, want: "is not USER:PASSWORD in base64"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, bin := t.TempDir(), t.TempDir()
			file := filepath.Join(dir, "config.json")
			if tc.config != "" {
				write(t, file, tc.config, 0o600)
			}
			for program, text := range tc.programs {
				write(t, filepath.Join(bin, program), text, 0o755)
			}
			dockerEnvironment(t, dir, bin)
			c, err := Open(t.Context(), parse(t, host+"/team/image"), Options{Timeout: 10 * time.Second})
			if tc.want == "" {
				if err != nil || c.Credential().Username != tc.user {
					t.Fatalf("%v, %v", c, err)
				}
				return
			}
			var e *CredentialError
			want := strings.ReplaceAll(tc.want, "FILE", file)
			if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), host) || strings.Contains(err.Error(), secret) {
				t.Errorf("%v\nwant %s", err, want)
			}
		})
	}
}

// dockerEnvironment sets the environment so that docker's config is in dir and its helpers
// are in bin.
func dockerEnvironment(t *testing.T, dir, bin string) {
	for name, value := range map[string]string{
		"DOCKER_CONFIG": dir, "HOME": t.TempDir(), "XDG_CONFIG_HOME": "", "XDG_RUNTIME_DIR": "", "REGISTRY_AUTH_FILE": "", "PATH": bin + ":/usr/bin:/bin",
	} {
		t.Setenv(name, value)
	}
}

// TestHelperHangs: a helper that waits for input does not delay the launch for ever, and
// the error names it.
func TestHelperHangs(t *testing.T) {
	dir, bin := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "config.json"), `{"credsStore":"test"}`, 0o600)
	write(t, filepath.Join(bin, "docker-credential-test"), "#!/bin/sh\nexec sleep 2", 0o755)
	dockerEnvironment(t, dir, bin)
	_, err := Open(t.Context(), parse(t, "registry.example/team/image"), Options{Timeout: 300 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "docker-credential-test, which credsStore of "+dir+"/config.json names: it does not answer") {
		t.Errorf("%v", err)
	}
}

// TestConfigHangs: a Docker config that is a pipe does not delay the launch for ever, neither
// when a credential is looked for nor when the reason is.
func TestConfigHangs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.json")
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	dockerEnvironment(t, dir, t.TempDir())
	opened := make(chan error, 1)
	go func() {
		_, err := Open(context.Background(), parse(t, "registry.example/team/image"), Options{Timeout: 300 * time.Millisecond})
		opened <- err
	}()
	defer func() { // lets go whoever waits for a writer
		if f, err := os.OpenFile(file, os.O_RDWR, 0); err == nil {
			f.Close()
		}
	}()
	select {
	case err := <-opened:
		if err == nil || !strings.Contains(err.Error(), file+": is not a regular file") {
			t.Errorf("%v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it still waits for the pipe")
	}
}

// TestCertsDirPipe: a pipe in the place of a certificate or a key does not delay the launch.
func TestCertsDirPipe(t *testing.T) {
	for _, pipe := range []string{"ca.crt", "client.cert", "client.key"} {
		dir := t.TempDir()
		file := filepath.Join(dir, pipe)
		if pipe == "client.key" {
			write(t, filepath.Join(dir, "client.cert"), "x", 0o600)
		}
		if err := syscall.Mkfifo(file, 0o600); err != nil {
			t.Fatal(err)
		}
		added := make(chan error, 1)
		go func() {
			added <- errors.Join(add(new(tls.Config), filepath.Join(dir, "ca.crt")), add(new(tls.Config), filepath.Join(dir, "client.cert")))
		}()
		select {
		case err := <-added:
			var e *CertificateError
			if !errors.As(err, &e) {
				t.Errorf("%s: %v", pipe, err)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s is still waited for", pipe)
		}
		if f, err := os.OpenFile(file, os.O_RDWR, 0); err == nil { // lets go whoever waits for a writer
			f.Close()
		}
	}
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), mode)); err != nil {
		t.Fatal(err)
	}
}

// TestCertsDir: a real registry whose certificate has a private authority is reached with a
// file below certs.d, as with dockerd, and refused without.
func TestCertsDir(t *testing.T) {
	cert, pemBytes, err := gittest.Certificate("127.0.0.1", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	reg, err := regtest.StartDistribution(t.TempDir(), "127.0.0.1", "", pemBytes, keyPEM)
	if errors.Is(err, regtest.ErrNoDistribution) {
		testenv.Skip(t, "%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Stop)
	for name, tc := range map[string]struct {
		files map[string]string // below certs.d
		want  string            // of the error of Open; "untrusted": of a request
	}{
		"its authority":                {files: map[string]string{reg.Host + "/ca.crt": string(pemBytes)}},
		"two authorities":              {files: map[string]string{reg.Host + "/a.crt": string(pemBytes), reg.Host + "/b.crt": string(pemBytes)}},
		"an authority and a client":    {files: map[string]string{reg.Host + "/ca.crt": string(pemBytes), reg.Host + "/client.cert": string(pemBytes), reg.Host + "/client.key": string(keyPEM)}},
		"files of no meaning":          {files: map[string]string{reg.Host + "/ca.crt": string(pemBytes), reg.Host + "/README": "hello"}},
		"none":                         {want: "untrusted"},
		"another registry's":           {files: map[string]string{"registry.example/ca.crt": string(pemBytes)}, want: "untrusted"},
		"the host's without the port":  {files: map[string]string{"127.0.0.1/ca.crt": string(pemBytes)}, want: "untrusted"},
		"an authority that is none":    {files: map[string]string{reg.Host + "/ca.crt": "hello"}, want: "ca.crt: it has no certificate in PEM"},
		"a client without a key":       {files: map[string]string{reg.Host + "/client.cert": string(pemBytes)}, want: "client.cert: there is no key beside it"},
		"a key without a client":       {files: map[string]string{reg.Host + "/client.key": string(keyPEM)}, want: "client.key: there is no certificate beside it"},
		"a client with another's key":  {files: map[string]string{reg.Host + "/client.cert": string(pemBytes), reg.Host + "/client.key": "hello"}, want: "are not a pair in PEM"},
		"a file instead of the folder": {files: map[string]string{reg.Host: "hello"}, want: "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range tc.files {
				write(t, filepath.Join(dir, file), text, 0o600)
			}
			c, err := Open(t.Context(), parse(t, reg.Host+"/team/image"), Options{Keychain: anonymous{}, Timeout: 5 * time.Second, CertsDir: dir})
			var broken *CertificateError
			if tc.want != "" && tc.want != "untrusted" {
				if !errors.As(err, &broken) || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := NotFound // the registry answered: it is empty
			if tc.want != "" {
				want = Untrusted
			}
			var e *Error
			if _, err := c.Manifest(t.Context(), oci.Sum(nil)); !errors.As(err, &e) || e.Reason != want {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestMirrors: a mirror of Docker Hub is asked first, and nothing that it does wrong costs
// more than time. Docker Hub itself can't be reached in this test.
//
// SECURITY.md: R5.
func TestMirrors(t *testing.T) {
	hub, answers := 0, 0 // how often Docker Hub was asked, and the status with which it answers
	base := transportFunc(func(r *http.Request) (*http.Response, error) {
		if !loopback(r.URL.Host) {
			hub++
			if answers > 0 {
				return &http.Response{StatusCode: answers, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			}
			return nil, errors.New("no route to host")
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	good, other, behind := &regtest.Server{}, &regtest.Server{}, &regtest.Server{}
	d := start(t, good, "library/thing")
	start(t, other, "library/thing")
	start(t, behind, "library/another")
	for name, tc := range map[string]struct {
		reference string
		mirrors   []string
		fault     string // of the server other
		tag       bool
		answers   int    // the status with which Docker Hub answers
		hub       bool   // Docker Hub is asked, too
		want      string // a word of the error
	}{
		"a mirror":                     {reference: "thing", mirrors: []string{good.Host}},
		"a mirror with a slash":        {reference: "thing", mirrors: []string{good.Host + "/"}},
		"one that is behind":           {reference: "thing", mirrors: []string{behind.Host, good.Host}},
		"one that is down":             {reference: "thing", mirrors: []string{"127.0.0.1:1", good.Host}},
		"one that sends another image": {reference: "thing", mirrors: []string{other.Host, good.Host}, fault: "other-bytes@/manifests/"},
		"one that sends a page":        {reference: "thing", mirrors: []string{other.Host, good.Host}, fault: "garbage@/manifests/"},
		"one that limits":              {reference: "thing", mirrors: []string{other.Host, good.Host}, fault: "429@/manifests/"},
		"one that asks for a password": {reference: "thing", mirrors: []string{other.Host, good.Host}, fault: "401@/v2/"},
		"one that breaks off":          {reference: "thing", mirrors: []string{other.Host, good.Host}, fault: "truncate@/manifests/"},
		"none has it":                  {reference: "thing", mirrors: []string{behind.Host}, hub: true, want: "no route to host; mirror " + behind.Host + ": HTTP status 404"},
		"one lies, alone":              {reference: "thing", mirrors: []string{other.Host}, fault: "other-bytes@/manifests/", hub: true, want: "mirror " + other.Host + ": it sent something else"},
		"an address with a path":       {reference: "thing", mirrors: []string{good.Host + "/prefix"}, hub: true, want: "no route to host"},
		"an address that is none":      {reference: "thing", mirrors: []string{"ftp:"}, hub: true, want: "no route to host"},
		"another registry's image":     {reference: "127.0.0.1:1/thing", mirrors: []string{good.Host}, want: "connection refused"},
		"a tag, Docker Hub away":       {reference: "thing", mirrors: []string{good.Host}, tag: true, hub: true},
		"a tag that Docker Hub lacks":  {reference: "thing", mirrors: []string{good.Host}, tag: true, hub: true, answers: 404, want: "HTTP status 404"},
		"a tag, Docker Hub is busy":    {reference: "thing", mirrors: []string{good.Host}, tag: true, hub: true, answers: 503},
		"a tag that no mirror has":     {reference: "thing", mirrors: []string{behind.Host}, tag: true, hub: true, want: "mirror " + behind.Host + ": HTTP status 404"},
	} {
		t.Run(name, func(t *testing.T) {
			hub, answers = 0, tc.answers
			other.Misbehave()
			if tc.fault != "" {
				f, err := regtest.ParseFault(tc.fault)
				if err != nil {
					t.Fatal(err)
				}
				other.Misbehave(f)
			}
			o := Options{Keychain: anonymous{}, Base: base}
			for _, m := range tc.mirrors {
				o.Mirrors = append(o.Mirrors, "http://"+m)
			}
			c := open(t, tc.reference, o)
			var data []byte
			var err error
			if tc.tag {
				data, err = c.Tagged(t.Context(), "v1")
			} else {
				data, err = c.Manifest(t.Context(), d)
			}
			if tc.want != "" {
				var e *Error
				if !errors.As(err, &e) || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("%v", err)
				}
			} else if err != nil || oci.Sum(data) != d {
				t.Errorf("%v", err)
			}
			if (hub > 0) != tc.hub {
				t.Errorf("Docker Hub was asked %d times", hub)
			}
		})
	}
}

// TestMirrorCredential: no mirror gets Docker Hub's credential, and a mirror elsewhere gets
// its own only over TLS.
//
// SECURITY.md: R5.
func TestMirrorCredential(t *testing.T) {
	const secret = "correct-horse"
	var seen []string
	base := transportFunc(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.URL.Scheme+"://"+r.URL.Host+" "+r.Header.Get("Authorization"))
		h := http.Header{"Www-Authenticate": {`Basic realm="r"`}}
		return &http.Response{StatusCode: http.StatusUnauthorized, Header: h, Body: http.NoBody, Request: r}, nil
	})
	for _, tc := range []struct{ mirror, credentialOf string }{
		{"https://mirror.example", "index.docker.io"},
		{"http://mirror.example", "index.docker.io"},
		{"http://mirror.example", "mirror.example"},
	} {
		seen = nil
		c := open(t, "thing", Options{Keychain: password{tc.credentialOf, secret}, Base: base, Mirrors: []string{tc.mirror}})
		if _, err := c.Manifest(context.Background(), oci.Sum(nil)); err == nil {
			t.Fatal("it was accepted")
		}
		for _, s := range seen {
			if strings.Contains(s, "mirror.example") && !strings.HasSuffix(s, " ") {
				t.Errorf("%v: %s", tc, s)
			}
		}
		if len(seen) == 0 {
			t.Error("nobody was asked")
		}
	}
}

// TestCheckMirror: an address that can't be a mirror's is refused, and no part of it is
// repeated.
func TestCheckMirror(t *testing.T) {
	for address, good := range map[string]bool{
		"https://mirror.example": true, "http://127.0.0.1:5000/": true, "https://[2001:db8::1]:5000": true,
		"": false, "mirror.example": false, "ftp://mirror.example": false, "https://": false, "https://mirror.example/path": false,
		"https://user:correct-horse@mirror.example": false, "https://mirror.example?x=correct-horse": false, "https://mirror.example:correct-horse": false,
	} {
		err := CheckMirror(address)
		if (err == nil) != good || err != nil && strings.Contains(err.Error(), "correct-horse") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestConfiguredMirrors: the mirrors of an Engine that does not run are read from its
// configuration.
func TestConfiguredMirrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "daemon.json")
	if got, err := ConfiguredMirrors(file); got != nil || err != nil {
		t.Errorf("no file: %v, %v", got, err)
	}
	for text, want := range map[string]string{
		`{}`: "[]", `{"registry-mirrors":["https://a","http://b"],"debug":true}`: "[https://a http://b]",
		`{"registry-mirrors":"correct-horse"}`: "", `{`: "", "": "",
	} {
		write(t, file, text, 0o600)
		got, err := ConfiguredMirrors(file)
		if (err == nil) != (want != "") || err == nil && fmt.Sprint(got) != want || err != nil && strings.Contains(err.Error(), "correct-horse") {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

// TestConfiguredMirrorsSize: the largest configuration of an Engine that is read, and a byte
// more.
func TestConfiguredMirrorsSize(t *testing.T) {
	const config = `{"registry-mirrors":["http://m"]}`
	file := filepath.Join(t.TempDir(), "daemon.json")
	for size, reads := range map[int]bool{1<<20 - 1: true, 1 << 20: true, 1<<20 + 1: false} {
		if err := os.WriteFile(file, []byte(strings.Repeat(" ", size-len(config))+config), 0o600); err != nil {
			t.Fatal(err)
		}
		mirrors, err := ConfiguredMirrors(file)
		if reads != (err == nil) || reads != slices.Equal(mirrors, []string{"http://m"}) || err != nil && !strings.Contains(err.Error(), "is larger than 1024 KiB") {
			t.Errorf("%d bytes: %q, %v", size, mirrors, err)
		}
	}
}
