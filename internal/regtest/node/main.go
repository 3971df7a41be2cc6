// Command node stands in for an MPC node in tests: it reports how it was started
// (arguments, environment, mounts, the config file it was given) as one line of
// JSON, serves the same at port 8080, and then does what its config's `behave` or
// the variable MPC_BEHAVE says:
//
//	wait          until SIGTERM or SIGINT, then ends with 0 (default)
//	exit N        ends with N
//	fail-then N   ends with N the first time, 0 after that (counts in /data)
//	tamper N      likewise, and leaves a file in its container and another config; a
//	              run that finds either says PLANTED
//	stubborn      ignores SIGTERM
//	ungraceful N  ends with N on SIGTERM
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
)

func main() {
	report := map[string]any{"args": os.Args, "env": os.Environ(), "config": "", "mounts": mounts(), "no_new_privs": noNewPrivs()}
	behave := os.Getenv("MPC_BEHAVE")
	if len(os.Args) == 3 && os.Args[1] == "start-with-config-file" {
		config, err := os.ReadFile(os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, "node:", err)
			os.Exit(70)
		}
		report["config"] = string(config)
		if m := regexp.MustCompile(`(?m)^behave = ["'](.*)["']$`).FindSubmatch(config); m != nil {
			behave = string(m[1])
		}
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	out, _ := json.Marshal(report)
	fmt.Printf("node: %s\n", out)
	fmt.Fprintln(os.Stderr, "node: this is standard error")
	go http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(out) }))

	what, code := "wait", 0
	fmt.Sscan(behave, &what, &code)
	switch what {
	case "exit":
		os.Exit(code)
	case "planted":
		fmt.Println("node: PLANTED config")
		os.Exit(0)
	case "tamper", "fail-then":
		os.MkdirAll("/data", 0o755)
		if _, err := os.Stat("/planted"); err == nil {
			fmt.Println("node: PLANTED file")
		}
		if _, err := os.Stat("/data/ran-" + what); err == nil {
			os.Exit(0)
		}
		os.WriteFile("/data/ran-"+what, nil, 0o644)
		if what == "tamper" {
			os.WriteFile("/planted", nil, 0o644)
			os.WriteFile(os.Args[2], []byte("behave = \"planted\"\n"), 0o600)
		}
		os.Exit(code)
	}
	for s := range signals {
		fmt.Println("node: got", s)
		if what != "stubborn" && s != syscall.SIGHUP {
			os.Exit(code)
		}
	}
}

func mounts() (m []string) {
	data, _ := os.ReadFile("/proc/self/mounts")
	for _, line := range strings.Split(string(data), "\n") {
		if f := strings.Fields(line); len(f) > 3 {
			m = append(m, f[1]+" "+strings.Split(f[3], ",")[0])
		}
	}
	return m
}

func noNewPrivs() bool {
	data, _ := os.ReadFile("/proc/self/status")
	return strings.Contains(string(data), "NoNewPrivs:\t1")
}
