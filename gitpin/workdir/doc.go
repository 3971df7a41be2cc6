// Package workdir keeps WORK_DIR for one launcher at a time, recognises whose it is, and
// replaces its content with a new checkout in one step:
//
//	Dir        workdir.go    WORK_DIR and its control directory
//	Lock       lock.go       one launcher at a time
//	Recognise  checkout.go   whose checkout there is; OpenKept opens its pack
//	NewDraft   draft.go      the checkout in the making
//	Swap       swap.go       the draft takes WORK_DIR's place; SwapGit: only its .git does
//	Tidy       debris.go     what an earlier run left, such as an interrupted swap
//
// # The threat
//
// An earlier run of the workload could write to WORK_DIR and everything beside it, and a
// kill or a power cut can end a launcher anywhere. So no link, pipe or device in the control
// directory is followed, opened or waited for. The two files that are read there decide only
// whether WORK_DIR may be replaced and how to tidy up, never what runs. At every moment
// WORK_DIR is the earlier checkout, the proven one, or something that the next start
// recognises and repairs.
//
// It does not touch somebody else's directory: an *[OccupiedError] says why.
//
// # What it does not check
//
// Any content. A kept pack is only bytes to prove again (package gitpin does).
package workdir
