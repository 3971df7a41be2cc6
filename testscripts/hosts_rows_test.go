package testscripts

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gitlauncher/internal/gittest"
	"gitlauncher/internal/gittest/habit"
)

const (
	token     = "s3cret"
	html      = "text/html; charset=utf-8"
	plain     = "text/plain"
	oneMoment = "Retry-After: 1"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// withToken gives both programs the token: git gets it in the address, for a user.
func (w *hostWorld) withToken(in hostInput, user string) hostInput {
	in.lines = append(in.lines, "AUTH_TOKEN_FILE="+w.file("token", token+"\n"))
	if in.gitURL == "" {
		in.gitURL = in.url
	}
	_, rest, _ := strings.Cut(in.gitURL, "://")
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		rest = rest[i+1:]
	}
	in.gitURL = "http://" + user + ":" + token + "@" + rest
	return in
}

// named puts a user name into an address.
func named(url, user string) string { return strings.Replace(url, "://", "://"+user+"@", 1) }

// at returns a repository with this path, asked for by another.
func at(path, asked string, habits ...habit.Habit) func(*hostWorld) hostInput {
	return func(w *hostWorld) hostInput {
		_, head := w.bare("srv/" + path)
		return hostInput{url: w.serve(habits...) + "/" + asked, commit: head}
	}
}

// with returns the sample over HTTP, from a server with habits.
func with(habits ...habit.Habit) func(*hostWorld) hostInput {
	return func(w *hostWorld) hostInput { return w.web(habits...) }
}

// flags adds flags of the launcher.
func (in hostInput) with(flags ...string) hostInput {
	in.flags = append(in.flags, flags...)
	return in
}

var hostRows = append(append(append(append(append(append([]hostRow{
	{kind: "Paths", input: "`/100%25.git`", git: clones, set: at("100%.git", "100%25.git")},
	{kind: "Paths", input: "`/a%23b.git`", git: clones, set: at("a#b.git", "a%23b.git")},
	{kind: "Paths", input: "`/a%20b.git`", git: clones, set: at("a b.git", "a%20b.git")},
	{kind: "Paths", input: "`/a%3Fb.git`", git: clones, set: at("a?b.git", "a%3Fb.git")},
	{kind: "Paths", input: "`/c++.git`", git: clones, set: at("c++.git", "c++.git")},
	{kind: "Paths", input: "`/c%2B%2B.git`", git: clones, set: at("c++.git", "c%2B%2B.git")},
	{kind: "Paths", input: "`/grüße.git`, as it is", git: clones, set: at("grüße.git", "grüße.git")},
	{kind: "Paths", input: "`/~me/a;b=c,d@e!(f).git`", git: clones, set: at("~me/a;b=c,d@e!(f).git", "~me/a;b=c,d@e!(f).git")},
	{kind: "Paths", input: "a slash at the end, strict server", git: clones, set: at("x.git", "x.git/", habit.Strict)},
	{kind: "Paths", input: "three slashes at the end, strict server", git: fails, set: at("x.git", "x.git///", habit.Strict)},
	{kind: "Paths", input: "`/a/../x.git`", git: clones, exit: 2, says: "has a . or .. component in its path", set: at("x.git", "a/../x.git")},
	{kind: "Paths", input: "a blank", git: fails, exit: 2, says: "in an address it is written %20", set: at("a b.git", "a b.git")},
	{kind: "Paths", input: "`?ref=main`", git: fails, exit: 2, says: "has a query or a fragment", set: at("x.git", "x.git?ref=main")},
	{kind: "Paths", input: "`#main`", git: fails, exit: 2, says: "has a query or a fragment", set: at("x.git", "x.git#main")},
	{kind: "Paths", input: "`HTTP://`", git: fails, set: func(w *hostWorld) hostInput {
		in := w.web()
		in.url = strings.Replace(in.url, "http", "HTTP", 1)
		return in
	}},
	{kind: "Paths", input: "`localhost`", git: clones, set: func(w *hostWorld) hostInput {
		in := w.web()
		in.url = strings.Replace(in.url, "127.0.0.1", "localhost", 1)
		return in
	}},
	{kind: "Paths", input: "`[::ffff:127.0.0.1]`", git: clones, set: func(w *hostWorld) hostInput {
		in := w.web()
		in.url = strings.Replace(in.url, "127.0.0.1", "[::ffff:127.0.0.1]", 1)
		return in
	}},

	{kind: "Demands of servers", input: "multi_ack", git: clones, set: with(habit.NeedCapability("multi_ack"))},
	{kind: "Demands of servers", input: "multi_ack, but not multi_ack_detailed", git: fails, set: with(habit.Without("multi_ack_detailed"), habit.NeedCapability(" multi_ack "))},
	{kind: "Demands of servers", input: "side-band-64k", git: clones, set: with(habit.NeedCapability("side-band-64k"))},
	{kind: "Demands of servers", input: "ofs-delta", git: clones, set: with(habit.NeedCapability("ofs-delta"))},
	{kind: "Demands of servers", input: "an agent of git", git: clones, set: with(habit.NeedCapability("agent=git/"))},
	{kind: "Demands of servers", input: "the headers of git, and a length", git: clones, set: with(habit.Strict)},
	{kind: "Demands of servers", input: "no side-band", git: clones, set: with(habit.Unasked(400), habit.Without("side-band", "side-band-64k"))},
	{kind: "Demands of servers", input: "no shallow clones", git: clones, set: with(habit.Unasked(400), habit.Without("shallow"))},
	{kind: "Demands of servers", input: "references first, else 400", git: clones, set: with(habit.Unasked(400))},
	{kind: "Demands of servers", input: "references first, else 403", git: clones, set: with(habit.Unasked(403))},
	{kind: "Demands of servers", input: "references first, else 404", git: clones, set: with(habit.Unasked(404))},
	{kind: "Demands of servers", input: "references first, else 405", git: clones, set: with(habit.Unasked(405))},
	{kind: "Demands of servers", input: "references first, else 501", git: clones, set: with(habit.Unasked(501))},
	{kind: "Demands of servers", input: "answers compressed, asked or not", git: clones, set: with(habit.Zipped)},
	{kind: "Demands of servers", input: "packs as text/plain", git: clones, set: with(habit.Typed(http.MethodPost, plain))},
	{kind: "Demands of servers", input: "references as text/plain", git: fails, set: with(habit.Unasked(400), habit.Typed(http.MethodGet, plain))},

	{kind: "Redirects", input: "301 from `/old` to `/r.git`", git: clones, set: func(w *hostWorld) hostInput {
		return hostInput{url: w.serve(habit.Redirect(301, "/old", "/r.git")) + "/old"}
	}},
	{kind: "Redirects", input: "308 to another host", git: clones, set: func(w *hostWorld) hostInput {
		return hostInput{url: w.serve(habit.Redirect(308, "/old", w.serve()+"/r.git")) + "/old"}
	}},
	{kind: "Redirects", input: "to another host, which wants the token", git: fails, exit: 3, says: "wants a login, and the token goes to the repository's own host alone", set: func(w *hostWorld) hostInput {
		other := w.serve(habit.NeedHeader(basic("git", token), `Basic realm="x"`))
		in := hostInput{url: w.serve(habit.Redirect(302, "/old", other+"/r.git")) + "/old"}
		in = w.withToken(in, "git")
		return in
	}},
	{kind: "Redirects", input: "in a circle", git: fails, exit: 3, says: "they lead nowhere", set: func(w *hostWorld) hostInput {
		return hostInput{url: w.serve(habit.Redirect(302, "/a", "/b"), habit.Redirect(302, "/b", "/a")) + "/a"}
	}},
	{kind: "Redirects", input: "to ftp://", git: fails, exit: 3, says: "refusing a redirect to something other than http and https", set: func(w *hostWorld) hostInput {
		return hostInput{url: w.serve(habit.Redirect(302, "/a", "ftp://127.0.0.1/x")) + "/a"}
	}},

	{kind: "Logins", input: "a user name with the token: `gitlab%2Bdeploy-token-1@`", git: clones, set: func(w *hostWorld) hostInput {
		in := w.web(habit.NeedHeader(basic("gitlab+deploy-token-1", token), `Basic realm="x"`))
		in.url = named(in.url, "gitlab%2Bdeploy-token-1")
		return w.withToken(in, "gitlab%2Bdeploy-token-1")
	}},
	{kind: "Logins", input: "a user name with an @: `me%40corp@`", git: clones, set: func(w *hostWorld) hostInput {
		in := w.web(habit.NeedHeader(basic("me@corp", token), `Basic realm="x"`))
		in.url = named(in.url, "me%40corp")
		return w.withToken(in, "me%40corp")
	}},
	{kind: "Logins", input: "a user name without a token, public repository", git: clones, set: func(w *hostWorld) hostInput {
		in := w.web()
		in.url = named(in.url, "someone")
		return in
	}},
	{kind: "Logins", input: "another user name than the token's", git: fails, exit: 3, says: "the server refuses the token; it offers Basic; it says unauthorized: HTTP Basic: Access denied (HTTP 401)", set: func(w *hostWorld) hostInput {
		return w.withToken(w.web(habit.NeedHeader(basic("deploy", token), `Basic realm="x"`)), "git")
	}},
	{kind: "Logins", input: "a Bearer token (git: http.extraHeader)", git: clones, set: func(w *hostWorld) hostInput {
		in := w.web(habit.NeedHeader("Bearer "+token, "Bearer"))
		in.lines = []string{"AUTH_TOKEN_FILE=" + w.file("token", token), "AUTH_SCHEME=bearer"}
		in.gitFlags = []string{"-c", "http.extraHeader=Authorization: Bearer " + token}
		return in
	}},
	{kind: "Logins", input: "no token, Negotiate and Basic offered", git: fails, exit: 3, says: "the server wants a login, and the config names no token; it offers Negotiate, Basic", set: with(habit.NeedHeader(basic("git", token), "Negotiate", `Basic realm="x"`))},
	{kind: "Logins", input: "a token in the place of the user name", git: clones, exit: 2, says: "holds a credential in the place of the user name", set: func(w *hostWorld) hostInput {
		in := w.web()
		in.url = named(in.url, "ghp_0123456789abcdefghijABCDEFGHIJ012345")
		return in
	}},
	{kind: "Logins", input: "a password in the address", git: clones, exit: 2, says: "holds a credential, which would be published", set: func(w *hostWorld) hostInput {
		in := w.web()
		in.url = named(in.url, "me:"+token)
		return in
	}},
}, tlsRows...), proxyRows...), answerRows...), sshRows...), localRows...), formatRows...)

// secure serves the sample over HTTPS. With clients, an authority, it asks clients for
// a certificate.
func (w *hostWorld) secure(name string, from, until time.Duration, clients *gittest.Authority, required bool) (in hostInput, ca string) {
	authority, err := gittest.NewAuthority()
	w.check(err)
	cert, _, _, err := authority.Issue(name, time.Now().Add(from), time.Now().Add(until))
	w.check(err)
	conf := &tls.Config{Certificates: []tls.Certificate{cert}}
	if clients != nil {
		conf.ClientCAs = x509.NewCertPool()
		conf.ClientCAs.AppendCertsFromPEM(clients.PEM)
		if conf.ClientAuth = tls.VerifyClientCertIfGiven; required {
			conf.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	url, stop, err := (&gittest.Server{Root: filepath.Join(w.dir, "srv")}).StartTLSConfig("127.0.0.1:0", conf)
	w.check(err)
	w.t.Cleanup(stop)
	ca = w.file("ca.pem", string(authority.PEM))
	return hostInput{url: url + "/r.git", lines: []string{"TLS_CA_FILE=" + ca}, gitEnv: []string{"GIT_SSL_CAINFO=" + ca}}, ca
}

// client makes a client's certificate and key of an authority, as files.
func (w *hostWorld) client(a *gittest.Authority) (cert, key string) {
	_, certPEM, keyPEM, err := a.Issue("client", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	w.check(err)
	return w.file("client.pem", string(certPEM)), w.file("client.key", string(keyPEM))
}

func (w *hostWorld) authority() *gittest.Authority {
	a, err := gittest.NewAuthority()
	w.check(err)
	return a
}

var tlsRows = []hostRow{
	{kind: "TLS", input: "a private authority in TLS_CA_FILE", git: clones, set: func(w *hostWorld) hostInput {
		in, _ := w.secure("127.0.0.1", -time.Hour, time.Hour, nil, false)
		return in
	}},
	{kind: "TLS", input: "a private authority in SSL_CERT_FILE", git: clones, set: func(w *hostWorld) hostInput {
		in, ca := w.secure("127.0.0.1", -time.Hour, time.Hour, nil, false)
		in.lines, in.env = nil, []string{"SSL_CERT_FILE=" + ca}
		return in
	}},
	{kind: "TLS", input: "a private authority that nobody named", git: fails, exit: 3, says: "from an authority that is not known here", set: func(w *hostWorld) hostInput {
		in, _ := w.secure("127.0.0.1", -time.Hour, time.Hour, nil, false)
		in.lines, in.gitEnv = nil, nil
		return in
	}},
	{kind: "TLS", input: "TLS_CA_FILE holds a key", git: clones, exit: 2, says: "holds no certificate in PEM", set: func(w *hostWorld) hostInput {
		in, _ := w.secure("127.0.0.1", -time.Hour, time.Hour, nil, false)
		_, key := w.client(w.authority())
		in.lines = []string{"TLS_CA_FILE=" + key}
		return in
	}},
	{kind: "TLS", input: "the certificate of another host", git: fails, exit: 3, says: "the server's certificate is for another host", set: func(w *hostWorld) hostInput {
		in, _ := w.secure("example.org", -time.Hour, time.Hour, nil, false)
		return in
	}},
	{kind: "TLS", input: "an expired certificate", git: fails, exit: 3, says: "and the clock of this machine says", set: func(w *hostWorld) hostInput {
		in, _ := w.secure("127.0.0.1", -2*time.Hour, -time.Hour, nil, false)
		return in
	}},
	{kind: "TLS", input: "a certificate that is not valid yet", git: fails, exit: 3, again: true, says: "the server's certificate is not valid before", set: func(w *hostWorld) hostInput {
		in, _ := w.secure("127.0.0.1", time.Hour, 2*time.Hour, nil, false)
		return in.with("--retries", "1")
	}},
	{kind: "TLS", input: "a certificate that is valid in five seconds", git: fails, again: true, says: "the server's certificate is not valid before", set: func(w *hostWorld) hostInput {
		in, _ := w.secure("127.0.0.1", 5*time.Second, time.Hour, nil, false)
		return in
	}},
	{kind: "TLS", input: "https:// where the server speaks HTTP", git: fails, exit: 3, says: "the server does not speak TLS at this port", set: func(w *hostWorld) hostInput {
		in := w.web()
		in.url = strings.Replace(in.url, "http://", "https://", 1)
		return in
	}},
	{kind: "TLS", input: "http:// where the server speaks TLS", git: fails, exit: 3, says: "Client sent an HTTP request to an HTTPS server", set: func(w *hostWorld) hostInput {
		in, _ := w.secure("127.0.0.1", -time.Hour, time.Hour, nil, false)
		in.lines = nil
		in.url = strings.Replace(in.url, "https://", "http://", 1)
		return in
	}},
	{kind: "Client certificates", input: "certificate and key in two files", git: clones, set: func(w *hostWorld) hostInput {
		a := w.authority()
		in, _ := w.secure("127.0.0.1", -time.Hour, time.Hour, a, true)
		cert, key := w.client(a)
		in.lines = append(in.lines, "TLS_CLIENT_CERT_FILE="+cert, "TLS_CLIENT_KEY_FILE="+key)
		in.gitEnv = append(in.gitEnv, "GIT_SSL_CERT="+cert, "GIT_SSL_KEY="+key)
		return in
	}},
	{kind: "Client certificates", input: "both in one file", git: clones, set: func(w *hostWorld) hostInput {
		a := w.authority()
		in, _ := w.secure("127.0.0.1", -time.Hour, time.Hour, a, true)
		cert, key := w.client(a)
		c, err := os.ReadFile(cert)
		w.check(err)
		k, err := os.ReadFile(key)
		w.check(err)
		both := w.file("both.pem", string(k)+string(c))
		in.lines = append(in.lines, "TLS_CLIENT_CERT_FILE="+both)
		in.gitEnv = append(in.gitEnv, "GIT_SSL_CERT="+both, "GIT_SSL_KEY="+both)
		return in
	}},
	{kind: "Client certificates", input: "none", git: fails, exit: 3, says: "the server wants a client certificate, and the config names none", set: func(w *hostWorld) hostInput {
		in, _ := w.secure("127.0.0.1", -time.Hour, time.Hour, w.authority(), true)
		return in
	}},
	{kind: "Client certificates", input: "none, and the server only asks", git: clones, set: func(w *hostWorld) hostInput {
		in, _ := w.secure("127.0.0.1", -time.Hour, time.Hour, w.authority(), false)
		return in
	}},
	{kind: "Client certificates", input: "of an authority that the server does not know", git: fails, exit: 3, says: "the server refuses the client certificate", set: func(w *hostWorld) hostInput {
		in, _ := w.secure("127.0.0.1", -time.Hour, time.Hour, w.authority(), true)
		cert, key := w.client(w.authority())
		in.lines = append(in.lines, "TLS_CLIENT_CERT_FILE="+cert, "TLS_CLIENT_KEY_FILE="+key)
		in.gitEnv = append(in.gitEnv, "GIT_SSL_CERT="+cert, "GIT_SSL_KEY="+key)
		return in
	}},
	{kind: "Client certificates", input: "a key that is not the certificate's", git: fails, exit: 2, says: "does not belong to the certificate", set: func(w *hostWorld) hostInput {
		a := w.authority()
		in, _ := w.secure("127.0.0.1", -time.Hour, time.Hour, a, true)
		_, key := w.client(a)
		other, err := os.ReadFile(key)
		w.check(err)
		key = w.file("other.key", string(other))
		cert, _ := w.client(a)
		in.lines = append(in.lines, "TLS_CLIENT_CERT_FILE="+cert, "TLS_CLIENT_KEY_FILE="+key)
		in.gitEnv = append(in.gitEnv, "GIT_SSL_CERT="+cert, "GIT_SSL_KEY="+key)
		return in
	}},
}
