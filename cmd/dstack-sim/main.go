// Command dstack-sim stands in for dstack's guest agent on a laptop and in CI.
package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gitlauncher/internal/cli"
	"gitlauncher/internal/sim"
	"gitlauncher/internal/sim/fault"
	"gitlauncher/internal/sim/tdx"
	"gitlauncher/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options is the command line.
type options struct {
	sim.Options
	socket, rootOut, collateralOut, policyOut string
	compose, appID, statuses, svn, line       string // as given
	quiet                                     bool
}

const about = `dstack-sim answers like dstack's guest agent on a unix socket: EmitEvent, Info,
GetQuote, Attest, Version. Its RTMR3 really extends and its quotes really verify,
but under a root certificate of its own. IT PROVES NOTHING: the person who runs it
chooses every value. It is for development and tests.

On dstack 0.6 the socket also serves /v0 and /v1, and EmitEvent fails with HTTP 400: no
application can extend RTMR3 there. --fault says what goes wrong, from the Nth such call (1
if left out) until another fault of that call begins. It may repeat, with another N each
time. KIND is
  CALL-404           no such method
  CALL-unmounted     404 of the web server
  CALL-400           a refusal in other words
  CALL-500, CALL-junk, CALL-hang, CALL-lost-answer
                     where CALL is emit (EmitEvent), info (Info) or quote (GetQuote, Attest)
  log-without-extend of EmitEvent
  info-mismatch      of Info: its log has an entry that RTMR3 has not

A TCB status is UpToDate, SWHardeningNeeded, ConfigurationNeeded, OutOfDate,
ConfigurationAndSWHardeningNeeded, OutOfDateConfigurationNeeded or Revoked.

One process is one boot. It ends, and removes its socket, on SIGINT and SIGTERM.
Exit codes: 0 ended by a signal, 2 usage, 1 anything else.`

const examples = `  dstack-sim --socket dstack.sock --app-compose app-compose.json
  dstack-sim --socket dstack.sock --app-compose app-compose.json --dstack 0.5 --seed a --key-provider kms
  dstack-sim --socket dstack.sock --app-compose app-compose.json --root-out root.pem --collateral-out collateral.json --policy-out system.conf
  dstack-sim --socket dstack.sock --app-compose app-compose.json --fault quote-500@2 --tcb-status OutOfDate`

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := &options{}
	root := &cobra.Command{
		Use: "dstack-sim --socket PATH --app-compose FILE [flags]", Short: "Stand in for dstack's guest agent: not a TEE", Long: about, Example: examples,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%q is not a flag", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return &cli.UsageError{Err: err}
			}
			m, err := sim.New(o.Options)
			if err != nil {
				return &cli.UsageError{Err: err}
			}
			return serve(cmd.Context(), m, o, stderr)
		},
	}
	o.flags(root.Flags())
	cli.Prepare(root, version.String(), stdout, stderr)
	err := cli.Execute(ctx, root, args)
	var usage *cli.UsageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "dstack-sim: %v\ndstack-sim: see dstack-sim --help\n", err)
		return 2
	}
	fmt.Fprintf(stderr, "dstack-sim: %v\n", err)
	return 1
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
		if !o.quiet {
			fmt.Fprintf(stderr, "dstack-sim: listening on %s, as dstack %s\n", o.socket, o.Dstack)
		}
	})
}

func (o *options) flags(fs *pflag.FlagSet) {
	cli.Text(fs, &o.line, "dstack", "0.5|0.6", string(sim.V06), "the line of dstack that it answers like")
	cli.Text(fs, &o.socket, "socket", "PATH", "", "where to listen; a socket on which nobody listens any more is replaced")
	cli.Text(fs, &o.compose, "app-compose", "FILE", "", "the app-compose.json whose exact bytes are measured")
	cli.Text(fs, &o.rootOut, "root-out", "FILE", "", "write the root certificate (PEM) that its quotes verify under")
	cli.Text(fs, &o.collateralOut, "collateral-out", "FILE", "", "write the collateral (JSON) to judge its quotes by")
	cli.Text(fs, &o.policyOut, "policy-out", "FILE", "", "write its system as policy lines for git-launcher-verify: OS_IMAGE_HASH and ACPI_TABLES, and the registers by value (MRTD, RTMR0 to RTMR2)")
	cli.Text(fs, &o.appID, "app-id", "HEX", "", "20 bytes; default: the first 20 of the compose hash")
	cli.Func(fs, "key-provider", "NAME[:ID]", "who holds the disk's and the app's keys: none (default), local-sgx, kms or tpm, with an id in hex; default id: one that follows from the seed for local-sgx and kms, none for tpm", func(s string) (err error) {
		o.KeyProvider, err = sim.ParseKeyProvider(s)
		return err
	})
	cli.Text(fs, &o.Seed, "seed", "TEXT", "default", "instance and device id come from it, so that runs can be repeated")
	cli.Text(fs, &o.statuses, "tcb-status", "S[,S,S]", "UpToDate", "TCB status of platform, TDX module and QE, one for all or three")
	cli.Text(fs, &o.svn, "tee-tcb-svn", "HEX", "03010000000000000000000000000000", "16 bytes")
	cli.Func(fs, "fault", "KIND[@N]", "what goes wrong, as above", func(s string) error {
		f, err := fault.Parse(s)
		o.Faults = append(o.Faults, f)
		return err
	})
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "do not say where it listens; that it is no TEE is said all the same")
}

// check makes sense of the command line.
func (o *options) check() (err error) {
	switch {
	case o.socket == "" || o.compose == "":
		return errors.New("--socket and --app-compose are needed")
	case len(o.socket) > maxSocket:
		return fmt.Errorf("--socket is longer than the %d bytes that a socket's path can have", maxSocket)
	}
	if err := distinct(o.compose, o.socket, o.rootOut, o.collateralOut, o.policyOut); err != nil {
		return err
	}
	if o.Dstack, err = sim.ParseLine(o.line); err != nil {
		return fmt.Errorf("--dstack: %w", err)
	}
	if o.AppCompose, err = os.ReadFile(o.compose); err != nil {
		return err
	}
	if o.AppID, err = hexBytes(o.appID, 20); err != nil {
		return fmt.Errorf("--app-id: %w", err)
	}
	b, err := hexBytes(o.svn, 16)
	if err != nil || b == nil {
		return errors.New("--tee-tcb-svn is not hex of 16 bytes")
	}
	o.TEETCBSVN, o.Now = [16]byte(b), time.Now()
	o.Statuses, err = parseStatuses(o.statuses)
	return err
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
