// Package advice says what to do about an error of git mode: a sentence for the person who
// launches, pins or checks, and the exit code. The launcher and the author's program both
// ask it, so that the same error gets the same answer from each.
//
// What counts is the error's type, never its text. An error of no type that is known here
// has no advice, and the programs say so.
//
// The package does not know image mode, whose errors are the launcher's alone, and it does
// not print.
package advice
