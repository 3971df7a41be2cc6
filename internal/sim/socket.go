package sim

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// FreeSocket makes room for a socket. It removes one that an earlier run left. A socket
// on which somebody listens is an error, and so is any other file.
func FreeSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is not a socket", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return fmt.Errorf("%s: somebody listens on it, perhaps another simulator; end that, or choose another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s may be in use: %w", path, err)
	}
	return os.Remove(path)
}

// Serve answers on a unix socket until the context ends. ready is called once it
// listens.
func (m *Machine) Serve(ctx context.Context, socket string, ready func()) error {
	if err := FreeSocket(socket); err != nil {
		return err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: m.Handler(), ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		server.Close() // removes the socket, too
	}()
	ready()
	err = server.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		<-stopped
		return nil
	}
	return err
}

// Start boots a machine and answers on a socket in dir until stop is called.
func Start(o Options, dir string) (socket string, stop func(), err error) {
	m, err := New(o)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	socket = filepath.Join(dir, "dstack.sock")
	ended, ready := make(chan error, 1), make(chan struct{})
	go func() { ended <- m.Serve(ctx, socket, func() { close(ready) }) }()
	select {
	case err := <-ended:
		cancel()
		return "", nil, err
	case <-ready:
		return socket, func() { cancel(); <-ended }, nil
	}
}
