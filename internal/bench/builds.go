package main

import (
	"fmt"
	"path/filepath"
)

// builds measures an earlier build and this one in turn, cold and at a restart.
func (b *bench) builds() (err error) {
	if b.before, err = filepath.Abs(b.before); err != nil {
		return err
	}
	fmt.Println("| repository | case | before | now | ratio | before, CPU | now, CPU | ratio | memory before | now |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	steps := b.loads()
	for i := range steps {
		steps[i].parts = []part{b.againstBefore}
	}
	return b.takeAll(steps)
}

// againstBefore has the server replay its first answer, so that only the client's work
// counts.
func (b *bench) againstBefore(at *site, s step) error {
	if err := at.serve(true); err != nil {
		return err
	}
	if err := b.builtRow(s, "cold, canned", at.coldBy(b.before), at.cold); err != nil {
		return err
	}
	return b.builtRow(s, "restart", at.launch(b.before), at.restart)
}

func (b *bench) builtRow(s step, name string, before, now runner) error {
	o, n, err := b.pair(s.load, name, s.runs, before, now)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Printf("| %v | %s | %.3f s | %.3f s | %.2f | %.3f s | %.3f s | %.2f | %d MB | %d MB |\n",
		s.load, name, o.seconds, n.seconds, n.seconds/o.seconds, o.cpu, n.cpu, n.cpu/o.cpu, o.memory>>20, n.memory>>20)
	return nil
}
