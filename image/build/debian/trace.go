package debian

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"gitlauncher/image/build/layer"
)

// made are the files that no package has, and that a package's own script makes while it
// is configured. No other file without a package may be in the image.
var made = []struct{ by, patterns string }{
	{"base-files", "/etc/dpkg/origins/default /etc/nsswitch.conf /etc/profile /root/.bashrc /root/.profile /etc/opt /media /mnt /opt /srv /run/lock " +
		"/usr/local /usr/local/** /var/local /var/mail /var/opt /var/spool/mail /var/lib/dpkg /var/run /var/lock"},
	{"base-passwd", "/etc/passwd /etc/group /etc/shadow /etc/gshadow"},
	{"ca-certificates", "/etc/ca-certificates.conf /etc/ssl/certs/**"},
	{"debianutils", "/etc/shells /var/lib/shells.state /etc/alternatives/which /usr/bin/which"},
	{"dpkg", "/var/lib/dpkg/alternatives/* /var/lib/dpkg/arch /var/lib/dpkg/diversions /var/lib/dpkg/status /var/lib/dpkg/info/*.list /var/lib/dpkg/info/format " +
		"/var/lib/dpkg/triggers /var/lib/dpkg/triggers/*"},
	{"libc-bin", "/etc/ld.so.cache"},
	{"libpam-modules", "/etc/environment /etc/security/opasswd"},
	{"libpam-runtime", "/etc/pam.d/common-* /var/lib/pam/*"},
	{"mawk", "/etc/alternatives/awk /etc/alternatives/nawk /usr/bin/awk /usr/bin/nawk"},
	{"nodejs", "/etc/alternatives/js /usr/bin/js"},
	{"passwd", "/etc/subuid /etc/subgid"},
	{"python3", "/etc/python3 /etc/python3/debian_config"},
	{"readline-common", "/etc/inputrc"},
	{"tar", "/etc/alternatives/rmt /usr/sbin/rmt"},
	{"util-linux", "/etc/alternatives/pager /usr/bin/pager"},
}

// Trace finds where each file came from and sets its Origin. If the .deb of a package in
// from has exactly these bytes with this mode and owner, the origin is that package.
// Otherwise it is the package of the lock whose script makes the file. Trace returns the
// files that have neither, with the reason.
func Trace(ctx context.Context, l *Lock, from []Package, cache string, files []layer.File) (unexplained []string, err error) {
	held, err := contents(ctx, l.Arch, from, cache)
	if err != nil {
		return nil, err
	}
	for i := range files {
		f := &files[i]
		if f.Origin != "" {
			continue
		}
		for _, h := range held[f.Path] {
			if h.Same(f) {
				f.Origin = h.Origin
			}
		}
		if f.Origin != "" {
			continue
		}
		if f.Origin = l.madeBy(f.Path); f.Origin != "" {
			continue
		}
		what := "no package has it"
		if len(held[f.Path]) > 0 {
			what = "it differs from the one in " + held[f.Path][0].Origin
		}
		unexplained = append(unexplained, f.Path+": "+what)
	}
	return unexplained, nil
}

// madeBy names the locked package whose script makes a file, or returns "".
func (l *Lock) madeBy(name string) string {
	for _, m := range made {
		if matches(name, strings.Fields(m.patterns)) {
			for _, p := range l.Packages {
				if p.Name == m.by {
					return "script:" + p.Name + "=" + p.Version
				}
			}
		}
	}
	return ""
}

// contents returns the files of packages by their path in the image. Among them are the
// files that dpkg keeps from each package's control archive.
func contents(ctx context.Context, arch string, packages []Package, cache string) (map[string][]*layer.File, error) {
	held := make(map[string][]*layer.File)
	for _, p := range packages {
		deb := filepath.Join(cache, p.SHA256+".deb")
		origin := "deb:" + p.Name + "=" + p.Version
		data, err := debTar(ctx, "--fsys-tarfile", deb)
		if err != nil {
			return nil, fmt.Errorf("package %s: %w", p.Name, err)
		}
		for i := range data {
			f := &data[i]
			f.Origin, f.Path = origin, merged(f.Path)
			held[f.Path] = append(held[f.Path], f)
		}
		control, err := debTar(ctx, "--ctrl-tarfile", deb)
		if err != nil {
			return nil, fmt.Errorf("package %s: %w", p.Name, err)
		}
		for i := range control {
			f := &control[i]
			f.Origin = origin
			for _, as := range []string{p.Name, p.Name + ":" + arch} {
				at := "/var/lib/dpkg/info/" + as + "." + path.Base(f.Path)
				held[at] = append(held[at], f)
			}
		}
	}
	return held, nil
}

func debTar(ctx context.Context, which, deb string) ([]layer.File, error) {
	cmd := exec.CommandContext(ctx, "dpkg-deb", which, deb)
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	return layer.ReadTar(bytes.NewReader(out))
}

// merged returns the path of a file on a system whose /bin, /sbin and /lib are links into
// /usr.
func merged(p string) string {
	for _, top := range []string{"/bin", "/sbin", "/lib", "/lib64"} {
		if p == top || strings.HasPrefix(p, top+"/") {
			return "/usr" + p
		}
	}
	return p
}
