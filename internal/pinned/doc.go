// Package pinned finds out whether nothing but a given config, or in image mode a given
// image, can be launched in this machine.
//
// dstack measures the app-compose into RTMR3 before any application runs. If the launcher's
// config is in it, or in the image that it names by digest, then a quote of any moment
// says what can be launched, and no event of ours is needed. So a launch is bound also on
// dstack 0.6, where applications can't extend the register.
//
// The check is for the launch to fail where it would not be bound to anything. A verifier
// judges the same compose again, and the image and the rest of the service with it
// (package verify): this package looks at the config alone.
package pinned
