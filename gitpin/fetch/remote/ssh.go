package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"os/user"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/answer"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/fetch/uploadpack"
)

// defaultSSHUser logs in if the address names no user. It is the one name that all hosts of
// Git know.
const defaultSSHUser = "git"

// overSSH is a repository behind an SSH server. It uses no ~/.ssh/config, no agent and no
// other program. One key logs in, to hosts whose keys are known.
type overSSH struct {
	client  *ssh.Client
	session *ssh.Session
	stdin   io.WriteCloser
	stdout  io.Reader
	stderr  words
	stop    func() bool
}

func openSSH(ctx context.Context, repo config.RepoURL, auth credential.Credentials, alive *Pulse) (Session, error) {
	return runSSH(ctx, repo, auth, alive, "git-upload-pack "+quote(repo.Path))
}

// runSSH logs in and runs a command.
func runSSH(ctx context.Context, repo config.RepoURL, auth credential.Credentials, alive *Pulse, command string) (*overSSH, error) {
	defer alive.Wait()()
	client, stop, err := logIn(ctx, repo, auth, alive)
	if err != nil {
		return nil, err
	}
	s := &overSSH{client: client, stop: stop}
	if err := s.start(command, alive); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// logIn connects as the user that the address names. If it names none, the user is git. If
// the server refuses that user, the next is the one that runs this program, as for git
// itself.
func logIn(ctx context.Context, repo config.RepoURL, auth credential.Credentials, alive *Pulse) (*ssh.Client, func() bool, error) {
	key, err := auth.Signer()
	if err != nil {
		return nil, nil, err
	}
	port := repo.Port
	if port == "" {
		port = "22"
	}
	host := net.JoinHostPort(repo.Host, port)
	known, err := auth.Known(host)
	if err != nil {
		return nil, nil, err
	}
	users := []string{repo.User}
	if repo.User == "" {
		users[0] = defaultSSHUser
		if me, err := user.Current(); err == nil && me.Username != defaultSSHUser {
			users = append(users, me.Username)
		}
	}
	var refused error
	for _, name := range users {
		client, stop, err := shake(ctx, host, name, key, known, alive)
		var login *LoginError
		if !errors.As(err, &login) {
			return client, stop, err
		}
		if refused == nil {
			refused = err
		}
	}
	return nil, nil, refused
}

// shake makes one connection and logs in.
func shake(ctx context.Context, host, name string, key ssh.Signer, known credential.HostKeys, alive *Pulse) (*ssh.Client, func() bool, error) {
	conn, err := (&net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	fail := func(err error) (*ssh.Client, func() bool, error) {
		stop()
		conn.Close()
		return nil, nil, err
	}
	conn.SetDeadline(time.Now().Add(connectTimeout))
	var presented ssh.PublicKey
	c, channels, requests, err := ssh.NewClientConn(&counted{conn, alive}, host, &ssh.ClientConfig{
		User: name,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			presented = key
			return known.Callback(host, remote, key)
		},
		HostKeyAlgorithms: known.Algorithms,
	})
	if err != nil {
		return fail(sshError(err, name, presented))
	}
	conn.SetDeadline(time.Time{})
	return ssh.NewClient(c, channels, requests), stop, nil
}

// counted is a connection that reports every byte: a keep-alive of SSH is a sign of life,
// too.
type counted struct {
	net.Conn
	alive *Pulse
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.alive.Beat()
	}
	return n, err
}

// start runs a command on the server.
func (s *overSSH) start(command string, alive *Pulse) (err error) {
	if s.session, err = s.client.NewSession(); err != nil {
		return err
	}
	if s.stdin, err = s.session.StdinPipe(); err != nil {
		return err
	}
	stdout, err := s.session.StdoutPipe()
	if err != nil {
		return err
	}
	s.stdout = alive.reader(stdout)
	s.session.Stderr = &s.stderr
	return s.session.Start(command)
}

// quote makes a path one word for the server's shell, as git does.
func quote(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}

func (s *overSSH) References(name string) (*uploadpack.References, error) {
	refs, err := uploadpack.ReadReferences(s.stdout, name)
	return refs, s.Ended(err)
}

func (s *overSSH) Ask(req *uploadpack.Request) (io.Reader, error) {
	if _, err := s.stdin.Write(req.Encode()); err != nil {
		return nil, s.Ended(io.ErrUnexpectedEOF)
	}
	s.stdin.Close()
	return s.stdout, nil
}

// Ended returns what the server said on its standard error if err is an early end of the
// bytes. Those words arrive on a channel of their own, so it waits for the exit status,
// which follows them.
func (s *overSSH) Ended(err error) error {
	if err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	exit := make(chan error, 1)
	go func() { exit <- s.session.Wait() }()
	select {
	case werr := <-exit:
		var missing *ssh.ExitMissingError
		if errors.As(werr, &missing) { // the connection broke
			return err
		}
	case <-time.After(connectTimeout):
	}
	return &answer.EndedError{Said: s.stderr.line()}
}

// Close ends the connection.
func (s *overSSH) Close() error {
	s.stop()
	return s.client.Close()
}
