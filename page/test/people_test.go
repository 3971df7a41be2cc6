package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// near returns a node's evidence with a policy under which it is VERIFIED.
func near(t testing.TB, dir string) item {
	t.Helper()
	for _, i := range golden(t, dir) {
		if i.name == "near-allowed" {
			return i
		}
	}
	t.Fatal("there is no near-allowed")
	return item{}
}

// TestPictures: light and dark, on a wide screen and on a telephone, nothing is wider
// than the page, text stands out from its background, and the chain has as many links
// as there are checks. With PAGE_PICTURES=DIR the pictures stay, for people to look at.
func TestPictures(t *testing.T) {
	dir, to := t.TempDir(), save(t)
	good := near(t, dir)
	items := map[string]item{"good": good, "open": {"open", good.files, "", good.at}, "error": {"error", []file{{write(t, dir, "hello.txt", []byte("hello")), "evidence"}}, "", good.at}}
	for _, i := range launched(t, dir) {
		if i.name == "another COMMIT_SHA" {
			items["bad"] = i
		}
	}
	for _, name := range browsers {
		for scheme, dark := range map[string]bool{"light": false, "dark": true} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				b := start(t, name, dark)
				for _, width := range []int{1280, 360} {
					b.resize(t, width, 800)
					b.open(t, address(t))
					for shot, i := range items {
						b.judge(t, dir, i)
						b.eval(t, `() => { for (const d of document.querySelectorAll('details')) d.open = true; }`)
						if got := b.eval(t, `() => String(document.documentElement.scrollWidth)`); got > strconv.Itoa(width) && len(got) >= len(strconv.Itoa(width)) {
							t.Errorf("%s, %d pixels: the page is %s wide", shot, width, got)
						}
						b.eval(t, `() => { for (const d of document.querySelectorAll('details')) d.open = false; scrollTo(0, 0); }`)
						b.picture(t, filepath.Join(to, fmt.Sprintf("%s-%s-%d-%s.png", name, scheme, width, shot)))
						if faint := b.eval(t, contrast); faint != "" {
							t.Errorf("%s, %d pixels: too little contrast: %s", shot, width, faint)
						}
						if links := b.eval(t, `() => String(document.querySelectorAll('#chain li').length)`); shot != "error" && links != "6" {
							t.Errorf("%s: the chain has %s links", shot, links)
						}
					}
				}
				ground := b.eval(t, `() => getComputedStyle(document.documentElement).backgroundColor`)
				if want := map[bool]string{false: "rgb(251, 250, 247)", true: "rgb(20, 24, 28)"}[dark]; ground != want {
					t.Errorf("the ground is %s, not %s", ground, want)
				}
			})
		}
	}
}

// contrast names text whose contrast with its background is below WCAG's 4.5.
const contrast = `() => {
	const parse = (c) => c.match(/[\d.]+/g).map(Number);
	const light = (c) => { const [r, g, b] = parse(c).map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
	const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; const p = parse(c); if (p.length < 4 || p[3] > 0) return c; } return 'rgb(255, 255, 255)'; };
	const faint = new Set();
	for (const e of document.body.querySelectorAll('*')) {
		if (!e.checkVisibility() || e.disabled || ![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
		const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
		if ((a + .05) / (b + .05) < 4.5) faint.add(e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 20));
	}
	return [...faint].join('; ');
}`

// TestKeyboard: without a mouse one gets from the beginning of the page to the files,
// the policy, the verdict and each link of the chain. Each has a name, and a screen
// reader says the verdict.
func TestKeyboard(t *testing.T) {
	const tab, enter = "\uE004", "\uE006"
	dir := t.TempDir()
	i := near(t, dir)
	each(t, func(t *testing.T, b *Browser) {
		enter := func() {
			b.press(t, enter)
			if b.Name == "firefox" { // its window without a screen has no focus, so no button acts on a key
				b.eval(t, `() => document.activeElement.click()`)
			}
		}
		reached := []string{}
		for range 40 {
			b.press(t, tab)
			reached = append(reached, b.eval(t, `() => { const e = document.activeElement; return e.id || e.className || e.textContent; }`))
			if reached[len(reached)-1] == "judge" {
				break
			}
		}
		at := -1
		for _, want := range []string{"skip", "files", "policy", "judge"} {
			next := -1
			for n, id := range reached {
				if id == want && n > at {
					next = n
					break
				}
			}
			if next < 0 {
				t.Fatalf("the key Tab reaches %q, and no %s after the %d first", reached, want, at)
			}
			at = next
		}
		enter()
		b.eval(t, done)
		if got := b.text(t, "problem"); !strings.Contains(got, "no evidence is given") {
			t.Errorf("Enter on Judge says %q", got)
		}
		b.judge(t, dir, i)
		if got := b.eval(t, `() => document.activeElement.id`); got != "report" {
			t.Errorf("the focus is on %q, not the report", got)
		}
		if got := b.text(t, "live"); !strings.HasPrefix(got, "VERIFIED. ") {
			t.Errorf("a reader hears %q", got)
		}
		b.press(t, tab)
		if got := b.eval(t, `() => document.activeElement.textContent`); !strings.Contains(got, "Quote") {
			t.Errorf("the first thing of the report that one reaches is %q", got)
		}
		enter()
		if got := b.eval(t, `() => document.activeElement.id`); got != "check-A" {
			t.Errorf("the chain's first link leads to %q", got)
		}
		for _, node := range [][2]string{
			{"button", "Judge"}, {"button", "Remove near-public-data.json"}, {"combobox", "is"}, {"navigation", "The chain of checks"},
			{"textbox", "Policy: lines of KEY=VALUE, from somebody you trust, and not from the VM"}, {"textbox", "Link to what was judged"}, {"button", "Copy the link"}, {"status", ""}, {"alert", ""}, {"heading", "VERIFIED"}, {"link", "A Quote ok"},
		} {
			var r struct{ Nodes []any }
			value := map[string]any{"role": node[0]}
			if node[1] != "" {
				value["name"] = node[1]
			}
			b.must(t, "browsingContext.locateNodes", map[string]any{"context": b.context, "locator": map[string]any{"type": "accessibility", "value": value}}, &r)
			if len(r.Nodes) == 0 {
				t.Errorf("there is no %s of the name %q", node[0], node[1])
			}
		}
	})
}

// TestNoVerdictBesideOtherInputs: any change after a judgement removes the verdict.
// SECURITY.md: E14.
func TestNoVerdictBesideOtherInputs(t *testing.T) {
	dir := t.TempDir()
	i := near(t, dir)
	each(t, func(t *testing.T, b *Browser) {
		for name, change := range map[string]string{
			"policy": `() => { const p = document.getElementById('policy'); p.value += '#'; p.dispatchEvent(new Event('input')); }`,
			"moment": `() => { const p = document.getElementById('at'); p.value = ''; p.dispatchEvent(new Event('input')); }`,
			"file":   `() => document.querySelector('#list button').click()`,
			"role":   `() => { const s = document.querySelector('#list select'); s.value = 'quote'; s.dispatchEvent(new Event('change')); }`,
		} {
			if b.judge(t, dir, i); b.text(t, "verdict") != "VERIFIED" {
				t.Fatalf("the verdict is %q", b.text(t, "verdict"))
			}
			b.eval(t, change)
			if got := b.eval(t, `() => document.getElementById('report').hidden + document.getElementById('verdict').textContent + document.getElementById('json').textContent`); got != "true" {
				t.Errorf("another %s, and the last verdict stands: %q", name, got)
			}
		}
	})
}

// TestLink: a link names by digest what was judged, and the page says whether one has
// the same.
// SECURITY.md: E14.
func TestLink(t *testing.T) {
	dir := t.TempDir()
	i := near(t, dir)
	each(t, func(t *testing.T, b *Browser) {
		b.judge(t, dir, i)
		link := b.eval(t, `() => document.getElementById('link').value`)
		if strings.Contains(link, dir) || strings.Contains(link, "ALLOW_COMPOSE") || strings.Contains(link, "VERIFIED") {
			t.Errorf("the link tells more than digests: %s", link)
		}
		_, fragment, _ := strings.Cut(link, "#")
		for policy, want := range map[string]string{i.policy: "The policy is the one that the link names.", i.policy + "#": "The policy is ANOTHER one than the link names."} {
			b.open(t, "about:blank")
			b.open(t, address(t)+"#"+fragment)
			if got := b.text(t, "expected"); !strings.Contains(got, "The link names policy ") {
				t.Errorf("the page says of the link: %q", got)
			}
			if got := b.eval(t, `() => document.getElementById('policy').value + document.getElementById('at').value`); got != "" {
				t.Errorf("the link's sender wrote %q", got)
			}
			i := i
			i.policy = policy
			b.judge(t, dir, i)
			if got := b.text(t, "says"); !strings.Contains(got, want) || !strings.Contains(got, "The evidence is the one that the link names.") {
				t.Errorf("of the same evidence it says %q, and not %q", got, want)
			}
		}
	})
}

// TestPrint: the verdict, the chain and every finding are printed, and the form is not.
func TestPrint(t *testing.T) {
	dir, to := t.TempDir(), save(t)
	i := near(t, dir)
	each(t, func(t *testing.T, b *Browser) {
		b.judge(t, dir, i)
		file := filepath.Join(to, b.Name+".pdf")
		b.save(t, "browsingContext.print", map[string]any{"context": b.context}, file)
		if data := read(t, file); !bytes.HasPrefix(data, []byte("%PDF-")) || len(data) < 10_000 {
			t.Errorf("what is printed has %d bytes", len(data))
		}
	})
}

// TestTime prints how long a person waits for a verdict on real evidence, from the choice
// of a file: the best of several. The target, two seconds, is for a reader of the figures
// on a machine that has nothing else to do.
func TestTime(t *testing.T) {
	dir := t.TempDir()
	i := near(t, dir)
	if info, err := os.Stat("../../bin/page/index.html"); err == nil {
		t.Logf("index.html has %.2f MiB", float64(info.Size())/(1<<20))
	}
	each(t, func(t *testing.T, b *Browser) {
		var ready, verdict []time.Duration
		for range 5 {
			began := time.Now()
			b.open(t, address(t))
			ready = append(ready, time.Since(began))
			b.eval(t, forget, i.policy, i.at)
			began = time.Now()
			b.setFiles(t, filepath.Join(dir, i.files[0].name))
			b.eval(t, done)
			verdict = append(verdict, time.Since(began))
			if got := b.text(t, "verdict"); got != "VERIFIED" {
				t.Fatalf("the verdict is %q", got)
			}
		}
		load, _, _ := strings.Cut(string(read(t, "/proc/loadavg")), " ")
		t.Logf("from opening to ready %v, from the file to the verdict %v; load %s", slices.Min(ready), slices.Min(verdict), load)
	})
}
