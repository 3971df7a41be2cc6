// Command page makes the verifier's page: one folder of static files that judges
// evidence in a browser, from a disk or from any web server (make page). The verifier
// is page/wasm, compiled to WebAssembly and packed into the page, since a page on a
// disk may load no other file.
//
// The same source and toolchain make the same bytes. By its content security policy the
// page can't load or send anything, or make markup of text.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed static
var static embed.FS

// mostPacked bounds the compressed program, in bytes: people open the page on
// telephones, too.
const mostPacked = 6 << 20

func main() {
	out := flag.String("out", "bin/page", "the folder")
	version := flag.String("version", "(devel)", "version that the page says")
	flag.Parse()
	if err := build(context.Background(), *out, *version); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

func build(ctx context.Context, out, version string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	program, err := compile(ctx, version)
	if err != nil {
		return err
	}
	packed, err := pack(program)
	if err != nil {
		return err
	}
	if len(packed) > mostPacked {
		return fmt.Errorf("the program has %d bytes compressed, and %d are the most", len(packed), mostPacked)
	}
	text, err := page(ctx, packed)
	if err != nil {
		return err
	}
	licences, err := os.ReadFile("THIRD-PARTY-LICENSES")
	if err != nil {
		return err
	}
	if err := errors.Join(
		os.WriteFile(filepath.Join(out, "index.html"), text, 0o644),
		os.WriteFile(filepath.Join(out, "THIRD-PARTY-LICENSES"), licences, 0o644)); err != nil {
		return err
	}
	_, err = fmt.Printf("%s: the program has %.2f MiB, compressed %.2f MiB (%d bytes); index.html has SHA-256 %x\n",
		out, float64(len(program))/(1<<20), float64(len(packed))/(1<<20), len(packed), sha256.Sum256(text))
	return err
}

// pack compresses the program as far as gzip can.
func pack(program []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// page puts style, script and program into the page, and the digests of the first two into
// its policy.
func page(ctx context.Context, packed []byte) ([]byte, error) {
	root, err := output(ctx, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	// The script that starts Go's programs comes with the toolchain, and fits its
	// version.
	script, err := os.ReadFile(filepath.Join(root, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"program.js", "report.js", "files.js", "main.js"} {
		text, err := fs.ReadFile(static, "static/"+name)
		if err != nil {
			return nil, err
		}
		script = append(append(script, '\n'), text...)
	}
	style, err := fs.ReadFile(static, "static/page.css")
	if err != nil {
		return nil, err
	}
	for _, text := range [][]byte{script, style} {
		if bytes.Contains(text, []byte("</")) {
			return nil, errors.New("a script or style has “</”, which may end it")
		}
	}
	t, err := template.ParseFS(static, "static/index.html")
	if err != nil {
		return nil, err
	}
	digest := func(text []byte) string {
		sum := sha256.Sum256(text)
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]string{
		"Script": string(script), "ScriptSHA256": digest(script), "Style": string(style), "StyleSHA256": digest(style),
		"Program": base64.StdEncoding.EncodeToString(packed),
	})
	return b.Bytes(), err
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
