package gittest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// SSH is a real sshd on this machine that lets one key in as the current user.
type SSH struct {
	KeyFile    string // the key that may log in
	KnownHosts string // the file that knows the host's key
	addr       string
	user       string
	cmd        *exec.Cmd
}

// StartSSH starts sshd with fresh keys in a directory. lines are added to its
// configuration.
func StartSSH(dir string, lines ...string) (*SSH, error) {
	const sshd = "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil {
		return nil, errors.New("sshd is not installed")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 { // sshd wants it, whatever its configuration says
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
		}
	}
	s := &SSH{KeyFile: filepath.Join(dir, "client"), KnownHosts: filepath.Join(dir, "known_hosts")}
	for _, key := range []string{"host", "client"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	pub, err := os.ReadFile(filepath.Join(dir, "client.pub"))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "authorized_keys"), pub, 0o600); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.addr = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(s.addr)
	config := fmt.Sprintf("ListenAddress 127.0.0.1\nListenAddress ::1\nPort %s\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\n%s\n",
		port, filepath.Join(dir, "host"), filepath.Join(dir, "authorized_keys"), strings.Join(lines, "\n"))
	if err := os.WriteFile(filepath.Join(dir, "sshd_config"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	hostKey, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(hostKey))
	known := fmt.Sprintf("[127.0.0.1]:%s %s %s\n[::1]:%s %s %s\n", port, fields[0], fields[1], port, fields[0], fields[1])
	if err := os.WriteFile(s.KnownHosts, []byte(known), 0o600); err != nil {
		return nil, err
	}
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		return nil, err
	}
	s.user = strings.TrimSpace(string(out))
	s.cmd = exec.Command(sshd, "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(10 * time.Second); ; {
		if c, err := net.Dial("tcp", s.addr); err == nil {
			c.Close()
			return s, nil
		}
		if time.Now().After(end) {
			s.Stop()
			return nil, errors.New("sshd does not listen")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Authorize lets one more key in, whose public part is in a file.
func (s *SSH) Authorize(publicKey string) error {
	pub, err := os.ReadFile(publicKey)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(filepath.Dir(s.KeyFile), "authorized_keys"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(pub)
	return err
}

// Port returns the server's port, on 127.0.0.1 and ::1.
func (s *SSH) Port() string {
	_, port, _ := net.SplitHostPort(s.addr)
	return port
}

// User returns the name of the user who may log in.
func (s *SSH) User() string { return s.user }

// URL returns a repository's address on this server.
func (s *SSH) URL(path string) string { return fmt.Sprintf("ssh://%s@%s%s", s.user, s.addr, path) }

// Stop ends the server.
func (s *SSH) Stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}
