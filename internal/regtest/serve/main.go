// Command serve is the demo's registry: it holds an index with one image of the node
// stand-in and its attestation, writes to a file what a script needs to know, and
// serves until it is killed.
//
//	serve NODE-BINARY ENV-FILE
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"gitlauncher/internal/regtest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("give the node's binary and the file to write to")
	}
	server := &regtest.Server{}
	stop, err := regtest.Start(server)
	if err != nil {
		return err
	}
	defer stop()
	image, err := regtest.NodeImage(args[0], "demo")
	if err != nil {
		return err
	}
	attestation, err := regtest.Attestation(image)
	if err != nil {
		return err
	}
	index := regtest.NewIndex(regtest.Entry{Image: image, Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}, attestation)
	digest, err := regtest.Pusher{Host: server.Host}.Push("near/node:demo", index)
	if err != nil {
		return err
	}
	env := fmt.Sprintf("IMAGE=%s/near/node\nDIGEST=%s\n", server.Host, digest)
	// The file appears whole: scripts wait for it.
	if err := os.WriteFile(args[1]+".tmp", []byte(env), 0o644); err != nil {
		return err
	}
	if err := os.Rename(args[1]+".tmp", args[1]); err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
	return nil
}
