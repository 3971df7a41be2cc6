// Package inputs reads the files that a verifier's command line names: each within a bound
// that is known before it is read, and standard input once.
//
// Its errors say whose fault it is: a name that can't be meant ([NameError]), a file that
// is too large to be what it is to be ([LargeError]), evidence that is none
// ([InvalidError]). What the bytes say is for others to read.
package inputs
