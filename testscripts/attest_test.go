package testscripts

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gitlauncher/internal/gittest"
)

// attest [FLAG...]: git-launcher attest, in the background; sets ATTEST, its address.
// Its log is attest.log. With ! a signal ends it, and it must end well.
func cmdAttest(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		check(ts, of(ts).stopAttest())
		return
	}
	exe, err := lookPath(ts, "git-launcher")
	check(ts, err)
	log, err := os.Create(ts.MkAbs("attest.log"))
	check(ts, err)
	cmd := exec.Command(exe, append([]string{"attest", "--listen", "127.0.0.1:0", "--dstack-endpoint", ts.Getenv("SOCK")}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	stderr, err := cmd.StderrPipe()
	check(ts, err)
	check(ts, cmd.Start())
	lines := bufio.NewReader(io.TeeReader(stderr, log))
	copied := make(chan struct{})
	of(ts).stopAttest = sync.OnceValue(func() error {
		cmd.Process.Signal(os.Interrupt)
		<-copied
		return cmd.Wait()
	})
	ts.Defer(func() { of(ts).stopAttest() })
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			close(copied)
			ts.Fatalf("attest did not start: %s", line)
		}
		if _, address, found := strings.Cut(line, " address="); found {
			ts.Setenv("ATTEST", "http://"+strings.Fields(address)[0])
			break
		}
	}
	go func() {
		io.Copy(io.Discard, lines)
		log.Close()
		close(copied)
	}()
}

// transcript FILE: each line of VERIFY.md's transcript of a live endpoint is in FILE,
// except for hashes.
func cmdTranscript(ts *testscript.TestScript, neg bool, args []string) {
	page, err := os.ReadFile("../VERIFY.md")
	check(ts, err)
	_, section, _ := strings.Cut(string(page), "\n### A live endpoint\n")
	_, block, _ := strings.Cut(section, "```console\n")
	block, _, _ = strings.Cut(block, "```")
	printed := regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(ts.ReadFile(args[0]), "…")
	lines := 0
	for line := range strings.Lines(block) {
		if strings.HasPrefix(line, "$ ") || strings.TrimSpace(line) == "" {
			continue
		}
		if lines++; line != "…\n" && !strings.Contains("\n"+printed, "\n"+line) {
			ts.Fatalf("VERIFY.md shows what was not printed: %s", line)
		}
	}
	if lines < 15 {
		ts.Fatalf("VERIFY.md's transcript has %d lines", lines)
	}
}

// front NAME ADDRESS: a TLS server with its own key, which passes requests on to
// ADDRESS, as a workload does to attest, and as an impostor does to a workload. Sets
// NAME, its address. Its certificate is NAME.pem, and authorities.pem has those of all.
func cmdFront(ts *testscript.TestScript, neg bool, args []string) {
	cert, pem, err := gittest.Certificate("127.0.0.1", time.Now().Add(time.Hour))
	check(ts, err)
	check(ts, os.WriteFile(ts.MkAbs(args[0]+".pem"), pem, 0o644))
	all, err := os.OpenFile(ts.MkAbs("authorities.pem"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	check(ts, err)
	_, err = all.Write(pem)
	check(ts, err)
	check(ts, all.Close())
	to, err := url.Parse(args[1])
	check(ts, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	s := httptest.NewUnstartedServer(proxy)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
	ts.Setenv("SSL_CERT_FILE", ts.MkAbs("authorities.pem"))
}
