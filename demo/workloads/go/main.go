// A service: it answers each request with its greeting and the commit that runs.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

//go:embed greeting.txt
var greeting string

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s, from commit %s\n", strings.TrimSpace(greeting), os.Getenv("GIT_LAUNCHER_COMMIT"))
	})
	server := &http.Server{Addr: ":8080"}
	// The first process of a container gets no signal that it does not ask for.
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		<-told.Done()
		server.Close()
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
