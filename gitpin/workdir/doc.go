// Package workdir holds WORK_DIR for one launcher at a time, says whose it is, and
// exchanges what is in it for a new checkout in one step:
//
//	Dir        workdir.go    WORK_DIR and its control directory
//	Lock       lock.go       one launcher at a time
//	Recognise  checkout.go   whose checkout is there, and OpenKept: its one pack
//	NewDraft   draft.go      the checkout in the making
//	Swap       swap.go       the draft in WORK_DIR's place, or its .git alone
//	Tidy       debris.go     what an earlier run left, a swap cut short included
//
// # The threat
//
// The workload's previous run could write WORK_DIR and all beside it, and a kill or a
// power cut can end a launcher anywhere. So no link, pipe or device in the control
// directory is followed, opened or waited for; the two words that are read there decide
// only whether WORK_DIR may be replaced and how to tidy up, never what is run; and at
// every moment WORK_DIR is the checkout before, the proven one, or something that the
// next start recognises and mends.
//
// Directories of strangers are not touched: an [*OccupiedError] says why.
//
// # What it does not check
//
// Any content. What it calls kept is bytes to prove again (package gitpin).
package workdir
