package debian

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Fetch fills the cache with the locked packages. It keeps those that have the right
// digest and downloads the others. A mirror is trusted for nothing.
func Fetch(ctx context.Context, l *Lock, from Mirrors, cache string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(6)
	for _, p := range l.Packages {
		g.Go(func() error {
			to := filepath.Join(cache, p.SHA256+".deb")
			if hasDigest(to, p.SHA256) == nil {
				return nil
			}
			url := strings.TrimSuffix(from[p.Archive], "/") + "/" + p.Path
			if err := download(ctx, url, to, p.SHA256); err != nil {
				return fmt.Errorf("package %s %s: %w (if the mirror has dropped this version, use the dated archive, as the head of the lock says)", p.Name, p.Version, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// download has apt make the transfer, so that proxies and mirrors work as they do for the
// machine itself. It then checks the digest once more.
func download(ctx context.Context, url, to, sum string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(to), ".fetching-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	got := filepath.Join(tmp, "deb")
	cmd := exec.CommandContext(ctx, "/usr/lib/apt/apt-helper", "-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=3", "download-file", url, got, "SHA256:"+sum)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("downloading: %w: %s", err, lastLine(out.String()))
	}
	if err := hasDigest(got, sum); err != nil {
		return err
	}
	return os.Rename(got, to)
}

func hasDigest(name, sum string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sum {
		return fmt.Errorf("its SHA-256 is %s, the lock's is %s", got, sum)
	}
	return nil
}

// repository makes a flat apt repository of exactly the locked packages. It checks the
// digests of its copies, since these are what apt reads.
func repository(ctx context.Context, l *Lock, cache, dir string) error {
	var index bytes.Buffer
	for _, p := range l.Packages {
		from, to := filepath.Join(cache, p.SHA256+".deb"), filepath.Join(dir, p.Name+".deb")
		if err := copyFile(from, to); err != nil {
			return err
		}
		if err := hasDigest(to, p.SHA256); err != nil {
			return fmt.Errorf("package %s: %w", p.Name, err)
		}
		control, err := exec.CommandContext(ctx, "dpkg-deb", "--field", to).Output()
		if err != nil {
			return fmt.Errorf("package %s: reading its control file: %w", p.Name, err)
		}
		index.Write(bytes.TrimSpace(control))
		fmt.Fprintf(&index, "\nFilename: ./%s.deb\nSize: %d\nSHA256: %s\n\n", p.Name, p.Size, p.SHA256)
	}
	return os.WriteFile(filepath.Join(dir, "Packages"), index.Bytes(), 0o644)
}

// copyFile makes a copy that everybody may read: mmdebstrap may run as another user.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := out.Chmod(0o644); err != nil { // whatever the umask is
		return err
	}
	return out.Close()
}
