// Package advice says what to do about an error of git mode: a sentence for the person
// who launches, pins or checks, and the exit code. The launcher and the author's
// program both use it, so that the same error gets the same answer from each.
//
// Only the error's type counts, never its text. There is no advice for errors of
// unknown types, and the programs say so.
//
// The package does not know image mode, whose errors only the launcher has, and it does
// not print.
package advice
