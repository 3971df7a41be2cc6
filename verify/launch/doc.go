// Package launch is check E: that what was launched is what the policy expects, commit or
// image, and how fresh the evidence is.
//
// A launch is recorded, where the register says that it was launched, or pinned, where
// the measured compose leaves nothing else to launch ([Params.Judge]). A record is the
// word of anyone who reached the guest agent's socket, until it agrees with the config
// in the measured compose.
//
// Whether the commit's code is good is not judged.
package launch
