package testscripts

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"gitlauncher/internal/gittest"
	"gitlauncher/internal/gittest/habit"
)

// proxy starts a proxy that knows git.example as the sample's server. It returns the
// sample's address behind the proxy, and the proxy's.
func (w *hostWorld) proxy(p *gittest.Proxy, habits ...habit.Habit) (in hostInput, at string) {
	server := strings.TrimPrefix(w.serve(habits...), "http://")
	p.Hosts = map[string]string{"git.example:80": server, "old.example:80": server}
	at, stop, err := p.Start()
	w.check(err)
	w.t.Cleanup(stop)
	return hostInput{url: "http://git.example/r.git"}, at
}

// behind returns the sample over HTTP behind a proxy, with variables in which AT stands
// for the proxy's host:port.
func behind(p *gittest.Proxy, url string, env ...string) func(*hostWorld) hostInput {
	return func(w *hostWorld) hostInput {
		in, at := w.proxy(&gittest.Proxy{Login: p.Login, Status: p.Status}, habit.Redirect(301, "/old", "/r.git"))
		if url != "" {
			in.url = url
		}
		for _, e := range env {
			in.env = append(in.env, strings.ReplaceAll(e, "AT", at))
		}
		return in.with("--retries", "1")
	}
}

// tunnel returns the sample over HTTPS behind a proxy, which is asked to CONNECT.
func tunnel(p *gittest.Proxy, env ...string) func(*hostWorld) hostInput {
	return func(w *hostWorld) hostInput {
		in, _ := w.secure("git.example", -time.Hour, time.Hour, nil, false)
		mine := &gittest.Proxy{Login: p.Login, Status: p.Status}
		mine.Hosts = map[string]string{"git.example:443": strings.TrimSuffix(strings.TrimPrefix(in.url, "https://"), "/r.git")}
		at, stop, err := mine.Start()
		w.check(err)
		w.t.Cleanup(stop)
		in.url = "https://git.example/r.git"
		for _, e := range env {
			in.env = append(in.env, strings.ReplaceAll(e, "AT", at))
		}
		return in.with("--retries", "1")
	}
}

var proxyRows = []hostRow{
	{kind: "Proxies", input: "`http_proxy`", git: clones, set: behind(&gittest.Proxy{}, "", "http_proxy=http://AT")},
	{kind: "Proxies", input: "`http_proxy` without a scheme", git: clones, set: behind(&gittest.Proxy{}, "", "http_proxy=AT")},
	{kind: "Proxies", input: "`HTTPS_PROXY`, by CONNECT", git: clones, set: tunnel(&gittest.Proxy{}, "HTTPS_PROXY=http://AT")},
	{kind: "Proxies", input: "`https_proxy` with a login", git: clones, set: tunnel(&gittest.Proxy{Login: "me:" + token}, "https_proxy=http://me:"+token+"@AT")},
	{kind: "Proxies", input: "`https_proxy` with another login", git: fails, exit: 3, says: "the proxy wants a login, or another one (HTTP 407)", set: tunnel(&gittest.Proxy{Login: "me:other"}, "https_proxy=http://me:"+token+"@AT")},
	{kind: "Proxies", input: "`http_proxy` without the login", git: fails, exit: 3, says: "the proxy wants a login, or another one (HTTP 407)", set: behind(&gittest.Proxy{Login: "me:other"}, "", "http_proxy=http://AT")},
	{kind: "Proxies", input: "CONNECT refused", git: fails, exit: 3, says: "the proxy makes no connection to the host: forbidden (HTTP 403)", set: tunnel(&gittest.Proxy{Status: 403}, "https_proxy=http://AT")},
	{kind: "Proxies", input: "a gateway that can't reach the host", git: fails, exit: 3, again: true, says: "the proxy makes no connection to the host: bad gateway (HTTP 502)", set: tunnel(&gittest.Proxy{Status: 502}, "https_proxy=http://AT")},
	{kind: "Proxies", input: "`all_proxy`", git: clones, set: behind(&gittest.Proxy{}, "", "all_proxy=http://AT")},
	{kind: "Proxies", input: "`ALL_PROXY`, and an empty `http_proxy`", git: fails, exit: 3, again: true, says: "git.example", set: behind(&gittest.Proxy{}, "", "ALL_PROXY=http://AT", "http_proxy=")},
	{kind: "Proxies", input: "small letters and capitals that differ", git: clones, set: tunnel(&gittest.Proxy{}, "https_proxy=http://AT", "HTTPS_PROXY=http://127.0.0.1:9")},
	{kind: "Proxies", input: "`no_proxy` with blanks and a dot before the host", git: clones, set: func(w *hostWorld) hostInput {
		in := w.web()
		in.url = strings.Replace(in.url, "127.0.0.1", "localhost", 1)
		in.env = []string{"http_proxy=http://127.0.0.1:9", "no_proxy=example.org .localhost, 10.0.0.1"}
		return in
	}},
	{kind: "Proxies", input: "`NO_PROXY=*`", git: clones, set: func(w *hostWorld) hostInput {
		in, _ := w.secure("localhost", -time.Hour, time.Hour, nil, false)
		in.url = strings.Replace(in.url, "127.0.0.1", "localhost", 1)
		in.env = []string{"HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=*"}
		return in
	}},
	{kind: "Proxies", input: "a redirect, behind a proxy on loopback", git: clones, set: behind(&gittest.Proxy{}, "http://old.example/old", "http_proxy=http://AT")},
	{kind: "Proxies", input: "a redirect to 169.254.169.254, behind a proxy", git: fails, exit: 3, says: "refusing a redirect to a link-local or loopback address", set: func(w *hostWorld) hostInput {
		in, at := w.proxy(&gittest.Proxy{}, habit.Redirect(302, "/r.git", "http://169.254.169.254/r.git"))
		in.env = []string{"http_proxy=http://" + at}
		return in
	}},
	{kind: "Proxies", input: "a redirect to localhost, behind a proxy", git: fails, exit: 3, says: "refusing a redirect to a link-local or loopback address", set: func(w *hostWorld) hostInput {
		in, at := w.proxy(&gittest.Proxy{}, habit.Redirect(302, "/r.git", "http://localhost:1/r.git"))
		in.env = []string{"http_proxy=http://" + at}
		return in
	}},
	{kind: "Proxies", input: "`socks5h://`", git: clones, set: func(w *hostWorld) hostInput {
		p := &gittest.Proxy{Hosts: map[string]string{"git.example:80": strings.TrimPrefix(w.serve(), "http://")}}
		at, stop, err := p.StartSOCKS()
		w.check(err)
		w.t.Cleanup(stop)
		return hostInput{url: "http://git.example/r.git", env: []string{"all_proxy=socks5h://" + at}}
	}},
	{kind: "Proxies", input: "`socks4://`", git: fails, exit: 3, says: "the variable http_proxy names a proxy that is not supported", set: behind(&gittest.Proxy{}, "", "http_proxy=socks4://AT")},
	{kind: "Proxies", input: "a proxy's address that is none", git: fails, exit: 3, says: "the variable http_proxy is not the address of a proxy", set: behind(&gittest.Proxy{}, "", "http_proxy=http://me:"+token+"@:port")},
	{kind: "Proxies", input: "nobody listens", git: fails, exit: 3, again: true, says: "proxyconnect tcp: dial tcp 127.0.0.1:9: connect: connection refused", set: behind(&gittest.Proxy{}, "", "http_proxy=http://127.0.0.1:9")},
}

// page answers with a web page that has a title.
func page(status int, title string, headers ...string) habit.Habit {
	return habit.Says(status, html, "<!DOCTYPE html><html><head>\n<title>"+title+"</title></head><body>…</body></html>", 0, headers...)
}

// from returns the sample from a server that has a habit, with flags of the launcher.
func from(habit habit.Habit, flags ...string) func(*hostWorld) hostInput {
	return func(w *hostWorld) hostInput { return w.web(habit).with(flags...) }
}

var answerRows = []hostRow{
	{kind: "Answers that are not Git's", input: "a redirect to a page to sign in", git: fails, exit: 3, says: `the page is called "Sign in · Example"`, set: with(habit.SignIn)},
	{kind: "Answers that are not Git's", input: "HTTP 203 with such a page, as Azure DevOps has it", git: fails, exit: 3, says: `the server answers with a web page, not with a Git repository`, set: with(page(203, "Sign In"))},
	{kind: "Answers that are not Git's", input: "HTTP 200 with a web page", git: fails, exit: 3, says: `the page is called "Welcome to our site"`, set: with(page(200, "Welcome to <b>our</b> site"))},
	{kind: "Answers that are not Git's", input: "HTTP 200 with JSON", git: nothing, exit: 3, says: "the answer is not a Git repository's", set: with(habit.Says(200, "application/json", `{"error":"unknown project"}`, 0))},
	{kind: "Answers that are not Git's", input: "HTTP 200 with nothing", git: nothing, exit: 3, again: true, says: "the server ends the connection without an answer", set: from(habit.Says(200, plain, "", 0), "--retries", "1")},
	{kind: "Answers that are not Git's", input: "HTTP 404 with a page", git: fails, exit: 3, says: "not found: Project not found (HTTP 404)", set: with(page(404, "Project not found"))},
	{kind: "Answers that are not Git's", input: "HTTP 410", git: fails, exit: 3, says: "gone: this repository was deleted (HTTP 410)", set: with(habit.Says(410, plain, "this repository was deleted\nlong ago", 0))},
	{kind: "Answers that are not Git's", input: "HTTP 403 with a sentence", git: fails, exit: 3, says: "forbidden: your account is suspended (HTTP 403)", set: with(habit.Says(403, plain, "your account is suspended", 0))},
	{kind: "Answers that are not Git's", input: "HTTP 400 of nginx: a client certificate", git: fails, exit: 3, says: "400 No required SSL certificate was sent", set: with(page(400, "400 No required SSL certificate was sent"))},
	{kind: "Answers that are not Git's", input: "HTTP 451", git: fails, exit: 3, says: "(HTTP 451)", set: with(habit.Says(451, plain, "", 0))},
	{kind: "Answers that are not Git's", input: "static files (dumb HTTP)", git: clones, exit: 3, says: "the server has the repository as static files only (dumb HTTP)", set: func(w *hostWorld) hostInput {
		_, err := gittest.Git(w.repo.Dir, nil, "update-server-info")
		w.check(err)
		return hostInput{url: "http://" + w.pages(http.FileServer(http.Dir(filepath.Join(w.dir, "srv")))) + "/r.git"}
	}},
	{kind: "Answers that are not Git's", input: "an empty repository", git: nothing, exit: 4, says: "the repository is empty", set: func(w *hostWorld) hostInput {
		_, err := gittest.NewRepo(filepath.Join(w.dir, "srv/e.git"))
		w.check(err)
		return hostInput{url: w.serve() + "/e.git"}
	}},
	{kind: "Answers that are not Git's", input: "no repository at that path", git: fails, exit: 3, says: "(HTTP 404)", set: func(w *hostWorld) hostInput { return hostInput{url: w.serve() + "/none.git"} }},
	{kind: "Answers that are not Git's", input: "ERR in place of references", git: fails, exit: 3, again: true, says: "the server says: the project is being moved", set: with(habit.Packet("ERR the project is being moved\n", true))},
	{kind: "Answers that are not Git's", input: "an error in the side-band", git: fails, exit: 3, again: true, says: "the server says: aborting due to possible repository corruption on the remote side.", set: with(habit.Packet(habit.Line("shallow "+strings.Repeat("0", 39)+"1")+"0000"+habit.Line("NAK\n")+habit.Line("\x03aborting due to possible repository corruption on the remote side."), false))},
	{kind: "Answers that are not Git's", input: "a server that is not HTTP's", git: fails, exit: 3, says: "the server does not speak HTTP at this port", set: func(w *hostWorld) hostInput {
		return hostInput{url: "http://" + w.speaks("220 mail.example ESMTP\r\n") + "/r.git"}
	}},

	{kind: "Come again", input: "HTTP 503 once", git: fails, again: true, says: "(HTTP 503)", set: from(habit.Says(503, plain, "", 1))},
	{kind: "Come again", input: "HTTP 429 with `Retry-After: 1`", git: fails, again: true, says: "in=1s", set: from(habit.Says(429, plain, "", 1, oneMoment))},
	{kind: "Come again", input: "HTTP 403 with `Retry-After: 1`", git: fails, again: true, says: "in=1s", set: from(habit.Says(403, plain, "secondary rate limit", 1, oneMoment))},
	{kind: "Come again", input: "HTTP 404 with `Retry-After: 1`", git: fails, again: true, says: "in=1s", set: from(habit.Says(404, plain, "", 1, oneMoment))},
	{kind: "Come again", input: "HTTP 403 of GitHub's limit", git: fails, again: true, says: "(HTTP 403)", set: from(habit.Says(403, plain, "rate limit", 1, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1"))},
	{kind: "Come again", input: "HTTP 503 with `Retry-After` as a date that is over", git: fails, again: true, says: "(HTTP 503)", set: from(habit.Says(503, plain, "", 1, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"))},
	{kind: "Come again", input: "HTTP 429 with `Retry-After: 3600`", git: fails, exit: 3, says: "it asks to wait 1h0m0s, longer than the fetch timeout leaves", set: from(habit.Says(429, plain, "", 0, "Retry-After: 3600"))},
	{kind: "Come again", input: "HTTP 500 always, three tries", git: fails, exit: 3, again: true, says: "(HTTP 500)", set: from(habit.Says(500, plain, "", 0), "--retries", "2")},
	{kind: "Come again", input: "HTTP 500 always, for two seconds", git: fails, exit: 3, again: true, says: "the fetch timeout is over (2s); the last try ended with", set: from(habit.Says(500, plain, "", 0), "--fetch-timeout", "2s")},
	{kind: "Come again", input: "a host whose name does not resolve", git: fails, exit: 3, again: true, says: "no-such-host.invalid", set: func(w *hostWorld) hostInput {
		return hostInput{url: "http://no-such-host.invalid/r.git"}.with("--retries", "1")
	}},
	{kind: "Come again", input: "a host that listens after four seconds", git: fails, again: true, says: "connection refused", set: func(w *hostWorld) hostInput {
		at := "127.0.0.1:" + freePort(w.t)
		late := time.AfterFunc(4*time.Second, func() {
			_, stop, err := (&gittest.Server{Root: filepath.Join(w.dir, "srv")}).Start(at)
			if err == nil {
				w.t.Cleanup(stop)
			}
		})
		w.t.Cleanup(func() { late.Stop() })
		return hostInput{url: "http://" + at + "/r.git"}
	}},

	{kind: "Patience", input: "four seconds of keep-alives, stall timeout 2s", git: clones, set: from(habit.Prepares(40, habit.KeepAlive), "--stall-timeout", "2s")},
	{kind: "Patience", input: "four seconds of progress, stall timeout 2s", git: clones, set: from(habit.Prepares(40, habit.Progress), "--stall-timeout", "2s")},
	{kind: "Patience", input: "keep-alives without end, pack timeout 2s", git: clones, exit: 3, says: "the server is still preparing the pack after the pack timeout of 2s", set: from(habit.Prepares(60, habit.KeepAlive), "--stall-timeout", "1s", "--pack-timeout", "2s", "--retries", "0")},
	{kind: "Patience", input: "silence of 3 s before each answer, stall timeout 1s", git: clones, again: true, says: "no byte has come from the server for the stall timeout of 2s", set: from(habit.Silent(3*time.Second), "--stall-timeout", "1s")},
	{kind: "Patience", input: "silence in the middle of the pack", git: clones, exit: 3, says: "no byte has come from the server for the stall timeout of 1s", set: from(habit.Prepares(25), "--stall-timeout", "1s", "--retries", "0")},
}

// speaks answers every connection with a text, and closes it.
func (w *hostWorld) speaks(text string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.check(err)
	w.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				io.WriteString(c, text)
				io.Copy(io.Discard, io.LimitReader(c, 1))
				c.Close()
			}()
		}
	}()
	return l.Addr().String()
}
