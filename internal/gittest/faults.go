package gittest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gitlauncher/internal/gittest/habit"
)

// Fault is one way in which the server misbehaves. The zero value is none.
type Fault struct {
	Kind  string
	Arg   string
	Times int // for this many requests from the first on; 0 means all
}

// faultKinds are the faults, and whether they take an argument.
var faultKinds = map[string]bool{
	"status":           true,  // answer with that HTTP status
	"retry-after":      true,  // 429 with that Retry-After, in seconds
	"redirect":         true,  // everything goes to that base URL
	"redirect-post":    true,  // POSTs go to that base URL
	"truncate":         true,  // cut the pack's answer after so many bytes
	"corrupt":          true,  // change that byte of the pack; counted from the end if below zero
	"channel":          false, // send the pack's last bytes on a channel that does not exist
	"stall":            true,  // send so many bytes of the pack's answer, then nothing more
	"drip":             true,  // send the pack's answer so many bytes a tenth of a second
	"never":            false, // accept the request and never answer
	"endless-progress": false, // endless progress text instead of a pack
	"endless-refs":     false, // endless references
	"no-shallow":       false, // do not advertise shallow
	"refs-first":       false, // refuse a POST until the references were asked for
	"dumb":             false, // serve files only
	"sha256":           false, // advertise the SHA-256 object format
}

// ParseFault reads KIND[=ARG][@TIMES].
func ParseFault(s string) (Fault, error) {
	var f Fault
	if i := strings.LastIndex(s, "@"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n < 1 {
			return f, fmt.Errorf("fault %q: after the @ comes a number of requests", s)
		}
		f.Times, s = n, s[:i]
	}
	var hasArg bool
	f.Kind, f.Arg, hasArg = strings.Cut(s, "=")
	if takes, known := faultKinds[f.Kind]; !known || takes != hasArg {
		return f, fmt.Errorf("fault %q is not known", s)
	}
	return f, nil
}

func (f Fault) number() int {
	n, err := strconv.Atoi(f.Arg)
	if err != nil {
		panic(fmt.Sprintf("fault %s: %v", f.Kind, err))
	}
	return n
}

// early answers in place of Git, and reports whether it did.
func (f Fault) early(w http.ResponseWriter, r *http.Request) bool {
	switch f.Kind {
	case "status":
		w.WriteHeader(f.number())
	case "retry-after":
		w.Header().Set("Retry-After", f.Arg)
		w.WriteHeader(http.StatusTooManyRequests)
	case "redirect":
		http.Redirect(w, r, f.Arg+r.URL.RequestURI(), http.StatusFound)
	case "redirect-post":
		if r.Method != http.MethodPost {
			return false
		}
		http.Redirect(w, r, f.Arg+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	case "never":
		<-r.Context().Done()
	case "endless-progress":
		if r.Method != http.MethodPost {
			return false
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		fmt.Fprint(w, habit.Line("shallow "+strings.Repeat("0", 39)+"1"), "0000", habit.Line("NAK\n"))
		endless(w, r, habit.Line("\x02working on it\n"))
	case "endless-refs":
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		fmt.Fprint(w, habit.Line("# service=git-upload-pack\n"), "0000",
			habit.Line(strings.Repeat("1", 40)+" HEAD\x00shallow side-band-64k ofs-delta\n"))
		endless(w, r, strings.Repeat(habit.Line(strings.Repeat("1", 40)+" refs/heads/"+strings.Repeat("x", 200)+"\n"), 200))
	default:
		return false
	}
	return true
}

// endless writes until the client is gone.
func endless(w http.ResponseWriter, r *http.Request, s string) {
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte(s)); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		time.Sleep(time.Millisecond)
	}
}

// packBytes returns where the bytes of the pack are in an answer with a side-band, and
// where the channel's number is in its last packet.
func packBytes(body []byte) (at []int, lastChannel int) {
	for i := 0; i+4 <= len(body); {
		n, err := strconv.ParseUint(string(body[i:i+4]), 16, 16)
		if err != nil {
			panic(fmt.Sprintf("an answer that is not in pkt-lines: %v", err))
		}
		if n > 5 && body[i+4] == 1 {
			lastChannel = i + 4
			for j := i + 5; j < i+int(n); j++ {
				at = append(at, j)
			}
		}
		i += max(int(n), 4)
	}
	return at, lastChannel
}

// late changes what Git answered.
func (f Fault) late(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/info/refs") {
		switch f.Kind {
		case "no-shallow":
			body = []byte(strings.ReplaceAll(string(body), " shallow ", " xhallow "))
		case "sha256":
			body = []byte(strings.ReplaceAll(string(body), "object-format=sha1", "object-format=sha9"))
		}
		w.Write(body)
		return
	}
	switch f.Kind {
	case "truncate":
		w.Write(body[:min(f.number(), len(body))])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case "corrupt":
		at, _ := packBytes(body)
		n := f.number()
		if n < 0 {
			n += len(at)
		}
		body[at[n]] ^= 0xff
		w.Write(body)
	case "channel":
		_, last := packBytes(body)
		body[last] ^= 0xff
		w.Write(body)
	case "stall":
		w.Write(body[:min(f.number(), len(body))])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case "drip":
		for n := f.number(); len(body) > 0 && r.Context().Err() == nil; body = body[min(n, len(body)):] {
			w.Write(body[:min(n, len(body))])
			w.(http.Flusher).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	default:
		w.Write(body)
	}
}
