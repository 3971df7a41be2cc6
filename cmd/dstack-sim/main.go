// Command dstack-sim stands in for dstack's guest agent on a laptop and in CI.
package main

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"gitlauncher/internal/sim"
	"gitlauncher/internal/sim/fault"
	"gitlauncher/internal/sim/tdx"
	"gitlauncher/internal/version"
)

const usage = `Usage: dstack-sim --socket PATH --app-compose FILE [flags]
       dstack-sim version

dstack-sim answers like dstack's guest agent on a unix socket: EmitEvent, Info,
GetQuote, Attest, Version. Its RTMR3 really extends and its quotes really verify,
but under a root certificate of its own. IT PROVES NOTHING: the person who runs it
chooses every value. It is for development and tests.

  --dstack 0.5|0.6        the line of dstack that it answers like (default 0.6). On 0.6 the
                          socket also serves /v0 and /v1, and EmitEvent fails with HTTP 400:
                          no application can extend RTMR3 there
  --socket PATH           where to listen; a socket on which nobody listens any more is replaced
  --app-compose FILE      the app-compose.json whose exact bytes are measured
  --root-out FILE         write the root certificate (PEM) that its quotes verify under
  --collateral-out FILE   write the collateral (JSON) to judge its quotes by
  --policy-out FILE       write its system as policy lines for git-launcher-verify: OS_IMAGE_HASH and ACPI_TABLES,
                          and the registers by value (MRTD, RTMR0 to RTMR2)
  --app-id HEX            20 bytes; default: the first 20 of the compose hash
  --key-provider NAME[:ID]
                          who holds the disk's and the app's keys: none (default), local-sgx,
                          kms or tpm, with an id in hex; default id: one that follows from the
                          seed for local-sgx and kms, none for tpm
  --seed TEXT             instance and device id come from it, so that runs can be repeated
  --tcb-status S[,S,S]    TCB status of platform, TDX module and QE, one for all or three:
                          UpToDate (default), SWHardeningNeeded, ConfigurationNeeded,
                          ConfigurationAndSWHardeningNeeded, OutOfDate,
                          OutOfDateConfigurationNeeded, Revoked
  --tee-tcb-svn HEX       16 bytes (default 03 01 and zeros)
  --fault KIND[@N]        what goes wrong, from the Nth such call (1 if left out) until another
                          fault of that call begins; may repeat, with another N each time.
                          CALL-404 (no such method), CALL-unmounted (404 of the web server),
                          CALL-400 (a refusal in other words), CALL-500, CALL-junk, CALL-hang
                          and CALL-lost-answer, where CALL is emit (EmitEvent), info (Info) or
                          quote (GetQuote, Attest); log-without-extend (EmitEvent);
                          info-mismatch (Info: its log has an entry that RTMR3 has not)

One process is one boot. It ends, and removes its socket, on SIGINT and SIGTERM.
Exit codes: 0 ended by a signal, 2 usage, 1 anything else.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options is the command line.
type options struct {
	sim.Options
	socket, rootOut, collateralOut, policyOut string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == "version" {
		fmt.Fprintln(stdout, "dstack-sim", version.String())
		return 0
	}
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "dstack-sim: %v\ndstack-sim: see dstack-sim --help\n", err)
		return 2
	}
	m, err := sim.New(o.Options)
	if err != nil {
		fmt.Fprintf(stderr, "dstack-sim: %v\ndstack-sim: see dstack-sim --help\n", err)
		return 2
	}
	if err := serve(ctx, m, o, stderr); err != nil {
		fmt.Fprintf(stderr, "dstack-sim: %v\n", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, m *sim.Machine, o *options, stderr io.Writer) error {
	if err := sim.FreeSocket(o.socket); err != nil {
		return err // before another simulator's files are written over
	}
	if o.rootOut != "" {
		if err := os.WriteFile(o.rootOut, m.RootPEM(), 0o644); err != nil {
			return err
		}
	}
	if o.policyOut != "" {
		if err := os.WriteFile(o.policyOut, m.Policy(), 0o644); err != nil {
			return err
		}
	}
	if o.collateralOut != "" {
		c, err := m.Collateral()
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.collateralOut, c, 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintln(stderr, "dstack-sim: THIS IS NOT A TEE. Its quotes are signed by its own keys, not by Intel's")
	return m.Serve(ctx, o.socket, func() {
		fmt.Fprintf(stderr, "dstack-sim: listening on %s, as dstack %s\n", o.socket, o.Dstack)
	})
}

func parse(args []string) (*options, error) {
	o := &options{}
	var compose, appID, statuses, svn, line string
	fs := flag.NewFlagSet("dstack-sim", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&line, "dstack", string(sim.V06), "")
	fs.StringVar(&o.socket, "socket", "", "")
	fs.StringVar(&compose, "app-compose", "", "")
	fs.StringVar(&o.rootOut, "root-out", "", "")
	fs.StringVar(&o.collateralOut, "collateral-out", "", "")
	fs.StringVar(&o.policyOut, "policy-out", "", "")
	fs.StringVar(&appID, "app-id", "", "")
	fs.StringVar(&o.Seed, "seed", "default", "")
	fs.StringVar(&statuses, "tcb-status", "UpToDate", "")
	fs.StringVar(&svn, "tee-tcb-svn", "03010000000000000000000000000000", "")
	fs.Func("key-provider", "", func(s string) (err error) {
		o.KeyProvider, err = sim.ParseKeyProvider(s)
		return err
	})
	fs.Func("fault", "", func(s string) error {
		f, err := fault.Parse(s)
		o.Faults = append(o.Faults, f)
		return err
	})
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case fs.NArg() > 0:
		return nil, fmt.Errorf("%q is not a flag", fs.Arg(0))
	case o.socket == "" || compose == "":
		return nil, errors.New("--socket and --app-compose are needed")
	case len(o.socket) > maxSocket:
		return nil, fmt.Errorf("--socket is longer than the %d bytes that a socket's path can have", maxSocket)
	}
	if err := distinct(compose, o.socket, o.rootOut, o.collateralOut, o.policyOut); err != nil {
		return nil, err
	}
	var err error
	if o.Dstack, err = sim.ParseLine(line); err != nil {
		return nil, fmt.Errorf("--dstack: %w", err)
	}
	if o.AppCompose, err = os.ReadFile(compose); err != nil {
		return nil, err
	}
	if o.AppID, err = hexBytes(appID, 20); err != nil {
		return nil, fmt.Errorf("--app-id: %w", err)
	}
	b, err := hexBytes(svn, 16)
	if err != nil || b == nil {
		return nil, errors.New("--tee-tcb-svn is not hex of 16 bytes")
	}
	o.TEETCBSVN, o.Now = [16]byte(b), time.Now()
	o.Statuses, err = parseStatuses(statuses)
	return o, err
}

// maxSocket is the longest path of a unix socket on Linux (unix(7)), in bytes.
const maxSocket = 107

// distinct requires that no file is written over by another.
func distinct(files ...string) error {
	seen := make(map[string]bool)
	for _, f := range files {
		if f == "" {
			continue
		}
		if f = filepath.Clean(f); seen[f] {
			return fmt.Errorf("two flags name the same file, %s", f)
		}
		seen[f] = true
	}
	return nil
}

func hexBytes(s string, n int) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != n {
		return nil, fmt.Errorf("is not hex of %d bytes", n)
	}
	return b, nil
}

func parseStatuses(s string) (tdx.Statuses, error) {
	parts := strings.Split(s, ",")
	if len(parts) == 1 {
		parts = []string{s, s, s}
	}
	if len(parts) != 3 {
		return tdx.Statuses{}, errors.New("--tcb-status takes one status or three: platform,module,QE")
	}
	for _, p := range parts {
		if !slices.Contains(tdx.StatusNames(), p) {
			return tdx.Statuses{}, fmt.Errorf("--tcb-status: %q is none of %s", p, strings.Join(tdx.StatusNames(), ", "))
		}
	}
	return tdx.Statuses{Platform: parts[0], Module: parts[1], QE: parts[2]}, nil
}
