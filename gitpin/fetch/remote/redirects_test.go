package remote

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/credential"
)

// TestRedirects: redirects are followed up to the limit. One more is refused, and so are
// redirects that lead to no repository.
func TestRedirects(t *testing.T) {
	head := strings.Repeat("1", 40) + " HEAD\x00side-band-64k\n"
	refs := fmt.Sprintf("001e# service=git-upload-pack\n0000%04x%s0000", len(head)+4, head)
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		var left int
		switch n, err := fmt.Sscanf(r.URL.Path, "/%d/r.git/info/refs", &left); {
		case err == nil && n == 1 && left > 0:
			http.Redirect(w, r, fmt.Sprintf("/%d/r.git/info/refs?service=git-upload-pack", left-1), http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/away/"):
			http.Redirect(w, r, "/0/r.git/elsewhere", http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/no/"):
			w.Header().Set("Location", "http://[::1") // not an address
			w.WriteHeader(http.StatusFound)
		default:
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			fmt.Fprint(w, refs)
		}
	}))
	defer s.Close()
	for path, says := range map[string]string{
		"/0/r.git": "", "/1/r.git": "", "/18/r.git": "", "/19/r.git": "",
		"/20/r.git": "after 20 of them: they lead nowhere", "/away/r.git": "to an address that is not a repository's", "/no/r.git": "to something that is not an address",
	} {
		repo, err := config.ParseRepoURL(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		asked = 0
		session, err := Open(t.Context(), repo, credential.Credentials{}, credential.Login{}, NewPulse(time.Minute, func() {}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = session.References("")
		session.Close()
		var redirect *RedirectError
		if says == "" && err != nil || says != "" && (!errors.As(err, &redirect) || !strings.Contains(err.Error(), says)) || asked > 20 {
			t.Errorf("%s: %v after %d requests; want %q", path, err, asked, says)
		}
	}
}
