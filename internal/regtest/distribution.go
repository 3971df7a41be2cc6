package regtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// ErrNoDistribution says that the machine has no docker-registry or htpasswd.
var ErrNoDistribution = errors.New("docker-registry or htpasswd is not installed (apt-get install docker-registry apache2-utils)")

// Distribution is the registry of the distribution project, as a process.
type Distribution struct {
	Host string // 127.0.0.1:PORT
	CA   string // PEM file of its certificate; empty for plain HTTP
	stop func()
}

// Stop ends the registry.
func (d *Distribution) Stop() { d.stop() }

// StartDistribution runs docker-registry in a folder, at an address of this machine:
// with TLS if there is a certificate with its key, in PEM, and asking user "user" for a
// password if there is one.
func StartDistribution(dir, address, password string, certPEM, keyPEM []byte) (*Distribution, error) {
	bin, err := exec.LookPath("docker-registry")
	if err != nil {
		return nil, ErrNoDistribution
	}
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, err
	}
	d := &Distribution{Host: l.Addr().String()}
	l.Close()
	config := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp:\n  addr: %s\n", filepath.Join(dir, "data"), d.Host)
	var auth string
	if password != "" {
		hash, err := exec.Command("htpasswd", "-Bbn", "user", password).Output()
		if err != nil {
			return nil, ErrNoDistribution
		}
		if err := os.WriteFile(filepath.Join(dir, "htpasswd"), hash, 0o600); err != nil {
			return nil, err
		}
		auth = fmt.Sprintf("auth: {htpasswd: {realm: test, path: %s}}\n", filepath.Join(dir, "htpasswd"))
	}
	if certPEM != nil {
		d.CA = filepath.Join(dir, "cert.pem")
		err := errors.Join(os.WriteFile(d.CA, certPEM, 0o600), os.WriteFile(filepath.Join(dir, "key.pem"), keyPEM, 0o600))
		if err != nil {
			return nil, err
		}
		config += fmt.Sprintf("  tls: {certificate: %s, key: %s}\n", d.CA, filepath.Join(dir, "key.pem"))
	}
	config += auth
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(bin, "serve", file)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	d.stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", d.Host); err == nil {
			c.Close()
			return d, nil
		}
		if time.Now().After(end) {
			d.stop()
			return nil, fmt.Errorf("docker-registry does not start: %s", log.Bytes())
		}
	}
}
