// Command serve is a Git server for the demo: it makes the sample repository in a
// directory, serves it over smart HTTP, and writes its address as shell variables.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"gitlauncher/internal/gittest"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "Usage: serve DIRECTORY VARIABLES-FILE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, dir, vars string) error {
	sample, err := gittest.NewSample(filepath.Join(dir, "workload.git"))
	if err != nil {
		return err
	}
	url, end, err := (&gittest.Server{Root: dir}).Start("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer end()
	tmp := vars + ".tmp"
	text := fmt.Sprintf("REPO_URL=%s/workload.git\nCOMMIT_SHA=%s\n", url, sample.Head)
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		return err
	}
	if err := os.Rename(tmp, vars); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
