package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"gitlauncher/internal/cli"
	"gitlauncher/internal/service"
)

// The bounds of a service, in bytes.
const (
	maxServing = 192 << 20 // memory that the garbage collector keeps to: requests, and a judgement for each core
	maxPage    = 16 << 20  // a file of the page
)

func (p *program) serveCommand() *cobra.Command {
	var listen, page, root string
	cmd := &cobra.Command{
		Use: "serve [flags]", Short: "Answer judgements over HTTP, and the page", Long: aboutServe, Example: serveExamples,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usagef("serve takes no evidence: it comes with the requests")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return p.serve(cmd.Context(), listen, page, root) },
	}
	cli.Text(cmd.Flags(), &listen, "listen", "HOST:PORT", "127.0.0.1:8080", "where it answers")
	cli.Text(cmd.Flags(), &page, "page", "DIR", "", "what make page made, answered at /")
	cli.Text(cmd.Flags(), &root, "root", "FILE", "", "trust this root certificate (PEM) instead of Intel's")
	return cmd
}

// serve answers judgements over HTTP until a signal comes.
func (p *program) serve(ctx context.Context, listen, page, root string) error {
	c := service.Config{Now: p.now}
	var err error
	if root != "" {
		if c.Root, err = p.files.Read(root, maxRoot); err != nil {
			return &cli.UsageError{Err: err}
		}
	}
	if page != "" {
		c.Page = make(map[string][]byte)
		for _, name := range []string{"index.html", "THIRD-PARTY-LICENSES"} {
			if c.Page[name], err = p.files.Read(filepath.Join(page, name), maxPage); err != nil {
				return cli.Usagef("--page: %w; make page makes one", err)
			}
		}
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return cli.Usagef("--listen: %w", err)
	}
	debug.SetMemoryLimit(maxServing)
	log.SetOutput(p.stderr) // a request that panics; main had it say nothing
	if !p.quiet {
		fmt.Fprintf(p.stderr, "git-launcher-verify: answering at http://%s\n", l.Addr())
	}
	return service.New(c).Serve(ctx, l)
}
