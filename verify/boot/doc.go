// Package boot judges what a quote's registers say of one boot of a VM:
//
//	B  which system was booted, by MRTD and RTMR0 to RTMR2, and for which compose
//	   it was started, by MRCONFIGID    registers.go, system.go, configid.go
//	C  which events extended RTMR3      log.go
//	E  which of them are launches       records.go
//
// The log is the host's to write until [Replay] has recomputed RTMR3 from it; after
// that each event is one that the VM measured, in that order. Anyone who reaches the
// guest agent's socket can measure events after system-ready, so a launch in the log
// need not be the expected one: package launch judges that.
//
// Package system derives what an image's registers are.
package boot
