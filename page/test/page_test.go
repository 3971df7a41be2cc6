package test

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var browsers = []string{"chromium", "firefox"}

// address returns the page's address on this machine's disk.
func address(t testing.TB) string {
	t.Helper()
	at, err := filepath.Abs("../../bin/page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	return "file://" + at
}

// each runs a test in each browser, with the page on a disk.
func each(t *testing.T, test func(t *testing.T, b *Browser)) {
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			b := start(t, name, false)
			b.open(t, address(t))
			if p := b.text(t, "problem"); p != "" {
				t.Fatal(p)
			}
			test(t, b)
		})
	}
}

// done waits for a judgement.
const done = `() => new Promise((done) => {
	const at = (id) => document.getElementById(id);
	const look = () => at('state').textContent === '' && (at('json').textContent || at('problem').textContent) ? done('') : setTimeout(look, 2);
	look();
})`

// forget takes all files away and sets policy and moment, as a person would.
const forget = `(policy, at) => {
	for (let b; (b = document.querySelector('#list button')); ) b.click();
	for (const [id, value] of [['policy', policy], ['at', at]]) {
		const box = document.getElementById(id);
		box.value = value;
		box.dispatchEvent(new Event('input'));
	}
}`

// judge lets the page judge the files of an item, tells it what they are if it guesses
// otherwise, and returns what it shows.
func (b *Browser) judge(t testing.TB, dir string, i item) (text, problem string) {
	t.Helper()
	b.eval(t, forget, i.policy, i.at)
	names := []string{}
	roles := make(map[string]string)
	for _, f := range i.files {
		names = append(names, filepath.Join(dir, f.name))
		roles[f.name] = f.role
	}
	b.setFiles(t, names...)
	b.eval(t, done)
	wanted, err := json.Marshal(roles)
	if err != nil {
		t.Fatal(err)
	}
	again := b.eval(t, `(wanted) => {
		const roles = JSON.parse(wanted);
		let again = '';
		for (const row of document.querySelectorAll('#list li')) {
			const select = row.querySelector('select');
			const role = roles[row.querySelector('.name').textContent];
			if (select.value !== role) {
				again += select.value + ' is ' + role + '; ';
				select.value = role;
				select.dispatchEvent(new Event('change'));
			}
		}
		if (again) document.getElementById('judge').click();
		return again;
	}`, string(wanted))
	if again != "" {
		t.Logf("%s: guessed otherwise: %s", i.name, again)
		b.eval(t, done)
	}
	return b.text(t, "json"), strings.TrimSpace(b.eval(t, `() => document.querySelector('#problem p')?.textContent ?? ''`))
}

// TestSameAsTheCommand: for each item of the corpus, the page says byte for byte what
// git-launcher-verify --offline --json prints, and shows each finding with its reason.
// SECURITY.md: E14.
func TestSameAsTheCommand(t *testing.T) {
	dir := t.TempDir()
	items := corpus(t, dir)
	want := make([]verdict, len(items))
	verdicts := make(map[int]int)
	for n, i := range items {
		want[n] = command(t, dir, i)
		verdicts[want[n].code]++
	}
	for _, code := range []int{0, 1, 2, 3, 4} {
		if verdicts[code] == 0 {
			t.Errorf("no item of the corpus has exit code %d", code)
		}
	}
	each(t, func(t *testing.T, b *Browser) {
		for n, i := range items {
			text, problem := b.judge(t, dir, i)
			if text != want[n].json {
				t.Errorf("%s: the page says\n%s\n%s\nand the command, with exit code %d\n%s\n%s", i.name, text, problem, want[n].code, want[n].json, want[n].problem)
				continue
			}
			if problem != strings.TrimSpace(strings.ReplaceAll(want[n].problem, "\n", "\uFFFD")) {
				t.Errorf("%s: the page says %q, the command %q", i.name, problem, want[n].problem)
			}
			shown(t, b, i.name, text)
		}
		if title := b.eval(t, `() => document.title`); !strings.HasPrefix(title, "What ran") {
			t.Errorf("evidence made markup of itself: the title is %q", title)
		}
		requests, problems := b.seen()
		elsewhere(t, requests)
		if len(problems) > 0 {
			t.Errorf("the page complained: %q", problems)
		}
		t.Logf("%d items: the same bytes; by exit code: %v", len(items), verdicts)
	})
}

// shown checks that the page shows what the JSON says.
func shown(t *testing.T, b *Browser, name, text string) {
	t.Helper()
	if text == "" {
		if b.eval(t, `() => document.getElementById('report').hidden ? 'hidden' : ''`) != "hidden" {
			t.Errorf("%s: there is a report where nothing was judged", name)
		}
		return
	}
	var r struct {
		Verdict  string
		Findings []struct{ Check, Name, Outcome, Why string }
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if got := b.text(t, "verdict"); got != r.Verdict {
		t.Errorf("%s: the page's verdict is %q, the JSON's %q", name, got, r.Verdict)
	}
	words := map[string]string{"pass": "ok", "note": "–", "undecided": "?", "not-allowed": "NOT ALLOWED", "invalid": "INVALID"}
	var rows []string
	if err := json.Unmarshal([]byte(b.eval(t, `() => JSON.stringify([...document.querySelectorAll('.findings > li')].map((li) => li.textContent))`)), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(r.Findings) {
		t.Fatalf("%s: %d findings are shown of %d", name, len(rows), len(r.Findings))
	}
	for n, f := range r.Findings {
		why := []rune(f.Why)
		if len(why) > 1000 {
			why = why[:1000]
		}
		plain := strings.Map(func(r rune) rune {
			if r < ' ' || r == '\u202e' || r == 0x7f {
				return '\uFFFD'
			}
			return r
		}, string(why))
		if !strings.HasPrefix(rows[n], words[f.Outcome]+f.Name) || !strings.Contains(rows[n], plain) {
			t.Errorf("%s: the page shows %q for %+v", name, rows[n], f)
		}
	}
}

// elsewhere fails the test for requests that leave the page: neither for the page
// itself nor for data that the browser has.
func elsewhere(t *testing.T, requests []string) {
	t.Helper()
	for _, r := range requests {
		if !strings.HasPrefix(r, "file://") && !strings.HasPrefix(r, "data:") && !strings.HasPrefix(r, "blob:") {
			t.Errorf("the page asked for %s", r)
		}
	}
}

// TestLargeFiles: files of 16 MiB, and at and above the bound, are judged as the
// command judges them.
func TestLargeFiles(t *testing.T) {
	dir := t.TempDir()
	const most = 6 << 20
	near := read(t, filepath.Join(fixtures, "near-public-data.json"))
	for name, size := range map[string]int{"at.json": most, "above.json": most + 1, "film.json": 16 << 20} {
		write(t, dir, name, append(slices.Clone(near), []byte(strings.Repeat(" ", size-len(near)))...))
	}
	each(t, func(t *testing.T, b *Browser) {
		for _, name := range []string{"at.json", "above.json", "film.json"} {
			i := item{name, []file{{name, "evidence"}}, "", "2026-08-20T00:00:00Z"}
			want := command(t, dir, i)
			text, problem := b.judge(t, dir, i)
			if (text != "") != (name == "at.json") || text != want.json || problem != want.problem {
				t.Errorf("%s: the page says %q and %d bytes of JSON, the command %q and %d", name, problem, len(text), want.problem, len(want.json))
			}
		}
	})
}

// TestNothingLeaves: the page's own policy lets nothing out, whatever runs in it, and
// makes no markup out of text.
// SECURITY.md: E14.
func TestNothingLeaves(t *testing.T) {
	var hits atomic.Int32
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		w.Header().Set("Access-Control-Allow-Origin", "*")
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	if resp, err := http.Get("http://" + listener.Addr().String()); err != nil || hits.Swap(0) != 1 {
		t.Fatalf("the server that would notice does not: %v", err)
	} else {
		resp.Body.Close()
	}
	each(t, func(t *testing.T, b *Browser) {
		got := b.eval(t, `async (url) => {
			const tried = [];
			const attempt = async (name, f) => { try { await f(); tried.push(name); } catch { /* forbidden */ } };
			const loads = (e, attribute) => new Promise((yes, no) => { e.onload = yes; e.onerror = no; setTimeout(no, 2000); e[attribute] = url; document.body.append(e); });
			await attempt('fetch', () => fetch(url));
			await attempt('beacon', () => { if (!navigator.sendBeacon(url, 'x')) throw new Error(); });
			await attempt('socket', () => new Promise((yes, no) => { const s = new WebSocket(url.replace('http', 'ws')); s.onopen = yes; s.onerror = no; }));
			await attempt('image', () => loads(new Image(), 'src'));
			await attempt('style', () => { const l = document.createElement('link'); l.rel = 'stylesheet'; return loads(l, 'href'); });
			await attempt('worker', () => new Worker(URL.createObjectURL(new Blob(['fetch("' + url + '")']))));
			await attempt('eval', () => (0, eval)('1'));
			await attempt('markup', () => { document.body.innerHTML = '<p>x'; });
			await attempt('script', () => { const s = document.createElement('script'); s.textContent = 'document.title = "ran"'; document.body.append(s); if (document.title !== 'ran') throw new Error(); });
			return tried.filter((name) => name !== 'beacon').join();
		}`, "http://"+listener.Addr().String()+"/")
		if got != "" {
			t.Errorf("the page could use %s", got)
		}
		time.Sleep(200 * time.Millisecond) // nobody can wait for a beacon's answer
		if n := hits.Swap(0); n != 0 {
			t.Errorf("%d requests left the page", n)
		}
	})
}

// TestFromAServer: the page is the same from a web server.
func TestFromAServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.FileServer(http.Dir("../../bin/page"))}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	dir := t.TempDir()
	i := golden(t, dir)[1]
	want := command(t, dir, i)
	each(t, func(t *testing.T, b *Browser) {
		b.open(t, "http://"+listener.Addr().String()+"/")
		b.seen()
		if text, problem := b.judge(t, dir, i); text != want.json {
			t.Errorf("the page says %s%s", text, problem)
		}
		if requests, _ := b.seen(); len(requests) > 0 {
			elsewhere(t, requests)
		}
	})
}

func save(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("PAGE_PICTURES")
	if dir == "" {
		return t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
