// Package pinned finds out whether only a given config, or in image mode a given image,
// can be launched in this machine.
//
// dstack measures the app-compose into RTMR3 before any application runs. If the
// launcher's config is in it, or in the image that it names by digest, then a quote of
// any moment says what can be launched, and no event of ours is needed. So a launch is
// bound even on dstack 0.6, where applications can't extend the register.
//
// The check makes a launch fail that would not be bound to anything. A verifier judges
// the same compose again, with the image and the rest of the service (package verify);
// this package looks only at the config.
package pinned
