package gitlauncher

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// row says what one package may import. It does not count for the package's tests. A package
// without a row may import nothing. A row that grants more than its package uses fails, too.
// Names are sorted, with spaces between them.
type row struct {
	pkg     string // its path below the module's
	ours    string // packages of this module
	modules string // other modules
	power   string // packages that reach beyond memory: os, os/exec, net, net/http, syscall, unsafe
}

// rooms is the whole architecture: data goes down through it once, from parsing to
// wiring. Before a row is widened, read what [reaches] says about it.
var rooms = []row{
	// Said once.
	{"internal/atomicfile", "", "", "os"},
	{"internal/bounded", "", "", ""},
	{"internal/digest", "", "", ""},
	{"internal/printable", "", "", ""},
	{"internal/regularfile", "", "", "os syscall"},
	{"internal/parallel", "", "golang.org/x/sync", ""},

	// Parse.
	{"internal/strictjson", "", "", ""},
	{"internal/strictyaml", "", "go.yaml.in/yaml/v4 gopkg.in/yaml.v3", ""},
	{"internal/composeenv", "internal/strictyaml", "", ""},
	{"config", "gitpin/object internal/digest internal/environ", "", ""},
	{"config/configfile", "config internal/regularfile", "", ""},

	// Pin a commit.
	{"gitpin/object", "", "github.com/pjbgf/sha1cd", ""},
	{"gitpin/pack/fault", "", "", ""},
	{"gitpin/pack/entry", "gitpin/object gitpin/pack/fault", "github.com/klauspost/compress", ""},
	{"gitpin/pack/delta", "gitpin/pack/entry gitpin/pack/fault", "", ""},
	{"gitpin/pack/index", "gitpin/object gitpin/pack/entry gitpin/pack/fault", "", "os"},
	{"gitpin/pack/scan", "gitpin/object gitpin/pack/entry gitpin/pack/fault", "", "os"},
	{"gitpin/pack/stored", "gitpin/object gitpin/pack/entry gitpin/pack/fault gitpin/pack/index", "", "os"},
	{"gitpin/pack", "gitpin/object gitpin/pack/delta gitpin/pack/entry gitpin/pack/fault gitpin/pack/index gitpin/pack/scan internal/bounded", "github.com/klauspost/compress golang.org/x/sync", "os"},
	{"gitpin/fetch/uploadpack", "gitpin/object", "", ""},
	{"gitpin/lfs", "", "", ""},
	{"gitpin/fetch/bundle", "gitpin/fetch/uploadpack gitpin/object", "", ""},
	{"gitpin/fetch/answer", "", "", "net/http"},
	{"gitpin/fetch/credential", "config", "github.com/skeema/knownhosts golang.org/x/crypto", "net os syscall"},
	{"gitpin/fetch/remote", "config gitpin/fetch/answer gitpin/fetch/bundle gitpin/fetch/credential gitpin/fetch/uploadpack", "golang.org/x/crypto golang.org/x/net", "net net/http os os/exec syscall"},
	{"gitpin/fetch", "config gitpin/fetch/answer gitpin/fetch/bundle gitpin/fetch/credential gitpin/fetch/remote gitpin/fetch/uploadpack gitpin/lfs gitpin/object internal/bounded internal/printable", "github.com/cenkalti/backoff/v5 golang.org/x/crypto golang.org/x/sync", "net net/http os"},
	{"gitpin/submodule", "config gitpin/object", "", ""},
	{"gitpin/gitdir", "gitpin/object gitpin/pack gitpin/pack/index gitpin/proof gitpin/submodule gitpin/worktree", "", "os syscall"},
	{"gitpin/proof", "gitpin/lfs gitpin/object gitpin/pack gitpin/pack/index internal/parallel", "", ""},
	{"gitpin/workdir", "gitpin/worktree internal/atomicfile", "github.com/go-git/go-git/v5 golang.org/x/sys", "os syscall"},
	{"gitpin/worktree", "gitpin/lfs gitpin/object gitpin/pack/stored gitpin/proof internal/parallel", "golang.org/x/sync golang.org/x/sys", "os"},
	{"gitpin", "config gitpin/fetch gitpin/fetch/credential gitpin/gitdir gitpin/lfs gitpin/object gitpin/pack gitpin/pack/index gitpin/pack/stored gitpin/proof gitpin/submodule gitpin/workdir gitpin/worktree internal/bounded measure", "golang.org/x/sys", "os"},

	// Pin an image.
	{"imagepin/oci", "internal/digest internal/strictjson", "github.com/distribution/reference", ""},
	{"imagepin/userconfig", "imagepin/oci", "github.com/joho/godotenv github.com/pelletier/go-toml/v2", ""},
	{"imagepin/registry", "imagepin/oci imagepin/userconfig internal/bounded internal/printable internal/regularfile", "github.com/cenkalti/backoff/v5 github.com/google/go-containerregistry", "net net/http os os/exec"},
	{"imagepin", "imagepin/oci imagepin/registry imagepin/userconfig internal/atomicfile internal/printable internal/regularfile internal/strictjson measure", "github.com/pelletier/go-toml/v2 golang.org/x/sys", "os syscall"},
	{"imagepin/engine/container", "imagepin imagepin/oci measure", "github.com/moby/moby/api github.com/moby/moby/client", ""},
	{"imagepin/engine", "imagepin imagepin/engine/container imagepin/registry imagepin/userconfig internal/printable", "github.com/cenkalti/backoff/v5 github.com/containerd/errdefs github.com/moby/moby/api github.com/moby/moby/client github.com/opencontainers/image-spec", "net os syscall"},
	{"imagepin/contract", "imagepin/oci", "", ""},

	// Measure.
	{"measure", "internal/digest internal/strictjson", "", ""},
	{"measure/dstack", "internal/bounded internal/printable internal/strictjson measure", "github.com/Dstack-TEE/dstack/sdk/go", "os"},

	// Expect.
	{"policy", "config gitpin/object internal/digest internal/printable measure", "", ""},

	// Verify.
	{"verify/quote", "internal/strictjson measure", "github.com/google/go-tdx-guest", ""},
	{"verify/compose/appcompose", "internal/environ internal/strictjson", "", ""},
	{"verify/compose/folder", "", "", ""},
	{"verify/compose/model", "internal/composeenv internal/strictyaml", "github.com/compose-spec/compose-go/v2", ""},
	{"verify/compose/rights", "verify/compose/model", "", ""},
	{"verify/compose/exception", "", "github.com/cyberphone/json-canonicalization", ""},
	{"verify/compose", "config internal/composeenv internal/digest internal/launcherflags verify/compose/appcompose verify/compose/exception verify/compose/folder verify/compose/model verify/compose/rights", "", ""},
	{"verify/derivedimage", "config internal/digest internal/strictjson", "github.com/google/go-containerregistry", ""},
	{"verify/provenance", "", "", ""},
	{"verify/provenance/bundle", "internal/digest verify/provenance", "github.com/sigstore/sigstore-go", ""},
	{"verify/system/tdvf", "measure", "", ""},
	{"verify/system", "internal/strictjson measure verify/system/tdvf", "github.com/fxamacker/cbor/v2", ""},
	{"verify/system/catalogue", "internal/strictjson measure verify/system verify/system/tdvf", "", ""},
	{"verify/evidence/attest", "measure", "github.com/vmihailenco/msgpack/v5", ""},
	{"verify/evidence", "internal/strictjson measure verify/evidence/attest verify/quote verify/system", "", ""},
	{"verify/report", "measure policy verify/evidence", "", ""},
	{"verify/boot", "internal/strictjson measure policy verify/compose verify/evidence verify/quote verify/report verify/system verify/system/catalogue verify/system/tdvf", "golang.org/x/crypto", ""},
	{"verify/app", "config internal/digest measure policy verify/boot verify/compose verify/derivedimage verify/report", "", ""},
	{"verify/launch", "config internal/digest measure policy verify/app verify/boot verify/evidence verify/quote verify/report", "", ""},
	{"verify", "measure policy verify/app verify/boot verify/compose verify/evidence verify/launch verify/provenance verify/quote verify/report verify/system/catalogue", "", ""},

	{"internal/service", "internal/offline internal/printable internal/strictjson", "github.com/prometheus/client_golang golang.org/x/net golang.org/x/sync", "net net/http"},
	{"image/build/debian", "image/build/layer", "golang.org/x/sync", "os os/exec"},
	{"image/build/layer", "", "github.com/google/go-containerregistry", ""},
	{"internal/address", "", "", "net net/http syscall"},
	{"internal/offline", "config policy verify verify/boot verify/evidence verify/quote verify/report verify/system/catalogue", "", ""},

	// Hand over.
	{"internal/pinned", "config internal/composeenv internal/strictjson internal/strictyaml measure", "golang.org/x/sys", "os"},
	{"internal/environ", "", "", ""},
	{"internal/launcherflags", "", "", ""},
	{"internal/health", "", "", "net net/http"},
	{"internal/handover", "", "golang.org/x/sys", "os os/exec syscall"},

	// Launch.
	{"internal/step", "", "", ""},
	{"internal/stage", "", "", ""},
	{"internal/guest", "internal/stage measure measure/dstack", "", ""},
	{"internal/receipt", "internal/atomicfile internal/digest internal/regularfile internal/strictjson measure", "", "os"},
	{"internal/attest", "internal/receipt internal/spki measure", "github.com/VictoriaMetrics/metrics golang.org/x/net golang.org/x/sync golang.org/x/time", "net net/http"},
	{"internal/spki", "internal/regularfile measure", "", ""},
	{"internal/progress", "gitpin", "github.com/schollz/progressbar/v3 golang.org/x/term", "os"},
	{"internal/author", "config gitpin/object internal/composeenv internal/digest internal/regularfile internal/step internal/strictyaml measure policy", "", ""},
	{"internal/gitmode", "config config/configfile gitpin gitpin/fetch gitpin/fetch/credential gitpin/object internal/atomicfile internal/author internal/deployment internal/digest internal/entryscript internal/environ internal/guest internal/handover internal/launcherflags internal/pinned internal/progress internal/receipt internal/stage internal/step internal/version measure measure/dstack", "golang.org/x/sys", "os"},
	{"internal/advice", "config config/configfile gitpin gitpin/fetch gitpin/fetch/remote gitpin/object internal/deployment internal/gitmode internal/handover internal/pinned internal/receipt internal/step measure measure/dstack", "", "syscall"},
	{"internal/imagemode", "imagepin imagepin/engine imagepin/engine/container imagepin/oci imagepin/registry imagepin/userconfig internal/atomicfile internal/digest internal/guest internal/health internal/pinned internal/receipt internal/stage internal/step internal/version measure measure/dstack", "", "os syscall"},
	{"internal/imagecheck", "imagepin imagepin/engine imagepin/engine/container imagepin/oci imagepin/registry imagepin/userconfig internal/imagemode internal/printable internal/step measure measure/dstack", "golang.org/x/sys", "os syscall"},

	// Fetch for the verifier, and read clones.
	{"internal/clonehash", "gitpin/lfs gitpin/object gitpin/pack gitpin/submodule internal/regularfile measure", "github.com/go-git/go-git/v5", "os"},
	{"internal/images", "internal/digest internal/strictjson", "github.com/google/go-containerregistry", "os"},
	{"internal/pccs", "internal/atomicfile internal/strictjson verify/quote", "github.com/cenkalti/backoff/v5", "net/http os"},
	{"internal/sigstore", "verify/provenance", "github.com/google/go-containerregistry github.com/sigstore/sigstore-go github.com/theupdateframework/go-tuf/v2", "net/http"},
	{"internal/batch", "internal/inputs internal/printable verify/evidence verify/report", "golang.org/x/sync", "os"},
	{"internal/inputs", "verify/evidence", "", "os"},
	{"internal/policydraft", "config measure policy verify verify/boot verify/compose verify/evidence verify/launch verify/quote verify/report verify/system verify/system/catalogue", "", ""},
	{"internal/systemtext", "internal/policydraft internal/printable policy verify/evidence verify/report verify/system verify/system/catalogue", "", ""},
	{"internal/reportschema", "measure verify/evidence verify/report", "", ""},
	{"internal/verdicttable", "internal/printable measure verify/report", "github.com/jedib0t/go-pretty/v6", ""},

	// Wire.
	{"internal/entryscript", "", "mvdan.cc/sh/v3", "os os/exec"},
	{"internal/version", "", "", ""},
	{"internal/cli", "", "github.com/spf13/cobra github.com/spf13/pflag", ""},
	{"internal/clone", "", "", "os os/exec"},
	{"internal/deployment", "config gitpin/object internal/atomicfile internal/author internal/composeenv internal/digest internal/regularfile internal/strictyaml measure policy", "", "os"},
	{"internal/lint", "internal/regularfile policy verify/compose", "", "os"},
	{"internal/trial", "config gitpin/object internal/author internal/cli internal/clone internal/digest internal/lint internal/sim policy", "", "os os/exec syscall"},
	{"cmd/git-launcher", "config gitpin imagepin imagepin/contract imagepin/engine imagepin/oci imagepin/registry imagepin/userconfig internal/advice internal/attest internal/gitmode internal/guest internal/imagecheck internal/imagemode internal/launcherflags internal/receipt internal/spki internal/step internal/version measure measure/dstack", "", "os syscall"},
	{"cmd/git-launcher-verify", "config gitpin/object internal/address internal/batch internal/cli internal/clonehash internal/digest internal/images internal/inputs internal/pccs internal/policydraft internal/printable internal/reportschema internal/service internal/sigstore internal/strictjson internal/systemtext internal/verdicttable internal/version measure policy verify verify/app verify/boot verify/compose verify/derivedimage verify/evidence verify/launch verify/provenance verify/provenance/bundle verify/quote verify/report verify/system verify/system/catalogue", "github.com/google/go-containerregistry github.com/sigstore/sigstore-go github.com/sirupsen/logrus github.com/spf13/cobra github.com/spf13/pflag golang.org/x/term", "net os syscall"},
	{"cmd/git-launcher-dev", "config gitpin internal/advice internal/atomicfile internal/author internal/cli internal/clone internal/deployment internal/gitmode internal/launcherflags internal/lint internal/sim internal/step internal/trial internal/version", "github.com/spf13/cobra github.com/spf13/pflag", "os os/exec syscall"},
	{"cmd/dstack-sim", "internal/cli internal/sim internal/sim/fault internal/sim/tdx internal/version", "github.com/spf13/cobra github.com/spf13/pflag", "os syscall"},

	// The simulator, and servers for tests. No program but dstack-sim and git-launcher-dev
	// links the one, and none the others.
	{"internal/sim/fault", "", "", ""},
	{"internal/sim", "internal/sim/fault internal/sim/tdx policy", "github.com/fxamacker/cbor/v2 github.com/vmihailenco/msgpack/v5 golang.org/x/crypto", "net net/http os syscall"},
	{"internal/sim/tdx", "", "", ""},
	{"internal/gittest/habit", "", "", "net/http"},
	{"internal/testenv", "", "", "os syscall"},
	{"internal/gittest", "internal/gittest/habit", "", "net net/http os os/exec"},
	{"internal/gittest/serve", "internal/gittest", "", "os syscall"},
	{"internal/lfstest", "", "", "net/http os"},
	{"internal/schematest", "", "github.com/santhosh-tekuri/jsonschema/v6", ""},
	{"internal/pccstest", "internal/sim/tdx", "", "net/http"},
	{"internal/regtest", "", "github.com/google/go-containerregistry golang.org/x/sys", "net net/http os os/exec syscall"},
	{"internal/regtest/node", "", "", "net/http os syscall"},
	{"internal/regtest/serve", "internal/regtest", "github.com/google/go-containerregistry", "os syscall"},
	{"internal/walktest", "internal/gittest", "", "net os os/exec"},
	{"testscripts", "", "", ""},
	{"image/test", "", "", ""},

	// Tools of this repository.
	{"image/build", "image/build/debian image/build/layer internal/compile", "github.com/google/go-containerregistry golang.org/x/sync", "os os/exec syscall"},
	{"page", "", "", "os os/exec"},
	{"internal/bench", "internal/gittest internal/gittest/habit internal/lfstest", "", "net/http os os/exec syscall"},
	{"internal/bench/image", "internal/regtest", "github.com/google/go-containerregistry", "os os/exec"},
	{"internal/compile", "", "", "os os/exec"},
	{"internal/dist", "internal/compile", "", "os"},
	{"internal/licenses", "", "", "os os/exec"},
	{"internal/mutants", "", "", "os os/exec"},
	{"internal/man", "", "", "os"},
}

// powers are the standard library's ways out of memory.
var powers = []string{"net", "net/http", "os", "os/exec", "plugin", "syscall", "unsafe"}

// TestImports holds every package to its row in [rooms].
func TestImports(t *testing.T) {
	pkgs, module := list(t)
	granted := make(map[string]row)
	for _, r := range rooms {
		if _, twice := granted[r.pkg]; twice {
			t.Errorf("%s has two rows", r.pkg)
		}
		granted[r.pkg] = r
		if _, there := pkgs[module+"/"+r.pkg]; !there {
			t.Errorf("%s has a row in rooms (arch_test.go), and there is no such package: remove the row", r.pkg)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(pkgs)) {
		name, inside := strings.CutPrefix(path, module+"/")
		if !inside {
			continue
		}
		want := used(name, pkgs[path], pkgs, module)
		switch got, there := granted[name]; {
		case !there:
			t.Errorf("%s has no row in rooms (arch_test.go), so it may import nothing. If all of this is meant, add\n\t%s", name, want)
		case got != want:
			t.Errorf("%s imports something other than its row in rooms (arch_test.go) says. If that is meant, replace\n\t%s\nwith\n\t%s", name, got, want)
		}
	}
}

// used returns the row of what a package imports now.
func used(name string, p pkg, pkgs map[string]pkg, module string) row {
	var ours, modules, power []string
	for _, i := range p.Imports {
		if inside, ok := strings.CutPrefix(i, module+"/"); ok {
			ours = append(ours, inside)
		} else if m := pkgs[i].Module; m != nil {
			modules = append(modules, m.Path)
		} else if slices.Contains(powers, i) {
			power = append(power, i)
		}
	}
	join := func(s []string) string {
		slices.Sort(s)
		return strings.Join(slices.Compact(s), " ")
	}
	return row{name, join(ours), join(modules), join(power)}
}

func (r row) String() string {
	return fmt.Sprintf("{%q, %q, %q, %q},", r.pkg, r.ours, r.modules, r.power)
}

// reaches lists rules about everything that a package links, at any depth. They hold whatever
// the package's row says.
var reaches = []struct {
	why string
	of  string   // this package, and all below it,
	not []string // must not link these, nor what is below them
}{
	{"nobody who verifies should have to trust a verifier in the launcher, and a launcher stays small", "cmd/git-launcher", []string{"verify"}},
	{"a launcher with a simulator in it could be talked into measuring nothing", "cmd/git-launcher", []string{"internal/sim", "internal/gittest", "internal/regtest", "testing"}},
	{"a launcher stays small: its command line is the standard library's, as check D reads it", "cmd/git-launcher", []string{"internal/cli", "github.com/spf13"}},
	{"a verifier needs neither the simulator nor the guest agent", "cmd/git-launcher-verify", []string{"internal/sim", "internal/gittest", "internal/regtest", "measure/dstack"}},
	{"a verdict follows from bytes: nothing is fetched, run or read to find it", "verify", []string{"config/configfile", "measure/dstack", "gitpin/pack", transports, sdk}},
	{"a verifier has no Git client", "cmd/git-launcher-verify", []string{transports, sdk}},
	{"what is measured can be read, and rebuilt, without a network or a program", "measure", []string{"gitpin", "imagepin", transports}},
	{"a config is judged from its bytes alone", "config", []string{"os/exec", "net/http", transports}},
	{"an object's id follows from its bytes alone", "gitpin/object", []string{"net", "os/exec", "github.com/go-git"}},
	{"where Git LFS contents are is judged from bytes alone", "gitpin/lfs", []string{"net/http", "os/exec", "github.com/go-git"}},
	{"a pack is proven from its bytes alone", "gitpin/pack", []string{"net", "os/exec", "github.com/go-git"}},
	{"an image's documents are proven from their bytes alone", "imagepin/oci", []string{"net", "os/exec"}},
	{"a user config is judged from its bytes alone", "imagepin/userconfig", []string{"net"}},
	{"git mode knows nothing of image mode", "gitpin", []string{"imagepin"}},
	{"git mode knows nothing of image mode", "internal/gitmode", []string{"imagepin", "internal/imagemode"}},
	{"image mode knows nothing of git mode", "imagepin", []string{"gitpin"}},
	{"image mode knows nothing of git mode", "internal/imagemode", []string{"gitpin/fetch", "gitpin/pack", "internal/gitmode"}},
	{"what an author is told to deploy follows from bytes alone", "internal/author", []string{"net/http", "os/exec", "measure/dstack"}},
}

const (
	sdk        = "github.com/Dstack-TEE/dstack"
	transports = "github.com/go-git/go-git/v5/plumbing/transport"
)

// TestReaches: every package keeps the rules of [reaches]. Below measure, only the guest
// agent's client may use a network.
func TestReaches(t *testing.T) {
	pkgs, module := list(t)
	inside := func(name string) string {
		if strings.Contains(strings.Split(name, "/")[0], ".") || pkgs[name].Standard {
			return name
		}
		return module + "/" + name
	}
	for _, rule := range reaches {
		checked := 0
		for path, p := range pkgs {
			if !below(path, module+"/"+rule.of) {
				continue
			}
			checked++
			for _, not := range rule.not {
				if i := slices.IndexFunc(p.Deps, func(dep string) bool { return below(dep, inside(not)) }); i >= 0 {
					t.Errorf("%s reaches %s: %s", path, p.Deps[i], rule.why)
				}
			}
		}
		if checked == 0 {
			t.Errorf("there is no package %s, for which there is the rule: %s", rule.of, rule.why)
		}
	}
}

// TestVerifyRunsNoPrograms: none of the verifier's own packages can run a program. Of the
// libraries below them, only these could, which compose-go and sigstore-go bring along.
// (go-shellwords runs backquotes only for callers that ask for it. compose-go does not ask:
// TestNothingRuns in verify/compose.)
// SECURITY.md: E7.
func TestVerifyRunsNoPrograms(t *testing.T) {
	pkgs, module := list(t)
	for name, known := range map[string][]string{
		"verify":                   {"github.com/mattn/go-shellwords"},
		"verify/provenance/bundle": {"github.com/digitorus/pkcs7", "github.com/in-toto/in-toto-golang/in_toto"},
	} {
		var reach []string
		for _, dep := range pkgs[module+"/"+name].Deps {
			if slices.Contains(pkgs[dep].Imports, "os/exec") {
				reach = append(reach, dep)
			}
		}
		slices.Sort(reach)
		if !slices.Equal(reach, known) {
			t.Errorf("%s reaches os/exec through %q, known are %q", name, reach, known)
		}
	}
}

// pkg is what `go list` says about a package.
type pkg struct {
	ImportPath    string
	Imports, Deps []string
	Standard      bool
	Module        *struct {
		Path string
		Main bool
	}
}

// list returns every package that this module's packages link, and the module's path.
func list(t *testing.T) (pkgs map[string]pkg, module string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps,Standard,Module", "-deps", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	pkgs = make(map[string]pkg)
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs, module
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs[p.ImportPath] = p
		if p.Module != nil && p.Module.Main {
			module = p.Module.Path
		}
	}
}

// below reports whether path is root or lies below it.
func below(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }
