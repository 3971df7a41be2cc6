package main

import (
	"fmt"
	"path/filepath"
)

// builds measures an earlier build and this one in turn, cold and at a restart.
func (b *bench) builds(formats bool) (err error) {
	if b.before, err = filepath.Abs(b.before); err != nil {
		return err
	}
	fmt.Println("| repository | case | before | now | ratio | before, CPU | now, CPU | ratio | memory before | now |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	if formats {
		return b.formats()
	}
	steps := b.loads()
	for i := range steps {
		steps[i].parts = []part{b.cannedBefore}
	}
	return b.takeAll(steps)
}

// cannedBefore has the server replay its first answer, so that only the client's work
// counts.
func (b *bench) cannedBefore(at *site, s step) error {
	if err := at.serve(true); err != nil {
		return err
	}
	return b.againstBefore(at, s.load, s.runs)
}

func (b *bench) againstBefore(at *site, l fmt.Stringer, runs int) error {
	if err := b.builtRow(l, "cold", runs, at.coldBy(b.before), at.cold); err != nil {
		return err
	}
	return b.builtRow(l, "restart", runs, at.launch(b.before), at.restart)
}

func (b *bench) builtRow(l fmt.Stringer, name string, runs int, before, now runner) error {
	o, n, err := b.pair(l, name, runs, before, now)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Printf("| %v | %s | %.3f s | %.3f s | %.2f | %.3f s | %.3f s | %.2f | %d MB | %d MB |\n",
		l, name, o.seconds, n.seconds, n.seconds/o.seconds, o.cpu, n.cpu, n.cpu/o.cpu, o.memory>>20, n.memory>>20)
	return nil
}
