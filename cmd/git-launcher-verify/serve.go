package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"gitlauncher/internal/service"
)

// The bounds of a service, in bytes.
const (
	maxServing = 192 << 20 // memory that the garbage collector keeps to: requests, and a judgement for each core
	maxPage    = 16 << 20  // a file of the page
)

// serve answers judgements over HTTP until a signal comes.
func (p *program) serve(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("git-launcher-verify serve", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	listen := fs.String("listen", "127.0.0.1:8080", "")
	page := fs.String("page", "", "")
	root := fs.String("root", "", "")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(p.stdout, usage())
		return nil
	case err != nil:
		return &usageError{err}
	case fs.NArg() > 0:
		return usagef("serve takes no evidence: it comes with the requests")
	}
	c := service.Config{Now: p.now}
	var err error
	if *root != "" {
		if c.Root, err = p.files.Read(*root, maxRoot); err != nil {
			return &usageError{err}
		}
	}
	if *page != "" {
		c.Page = make(map[string][]byte)
		for _, name := range []string{"index.html", "THIRD-PARTY-LICENSES"} {
			if c.Page[name], err = p.files.Read(filepath.Join(*page, name), maxPage); err != nil {
				return usagef("--page: %w; make page makes one", err)
			}
		}
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
	if err != nil {
		return usagef("--listen: %w", err)
	}
	debug.SetMemoryLimit(maxServing)
	fmt.Fprintf(p.stderr, "git-launcher-verify: answering at http://%s\n", l.Addr())
	return service.New(c).Serve(ctx, l)
}
