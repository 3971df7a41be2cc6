// Package inputs reads the files that a verifier's command line names: each within a bound
// that is known before it is read, and standard input once.
//
// Its errors say whose fault it is: a name that can't be meant ([NameError]), a file
// that is larger than its kind may be ([LargeError]), evidence that is none
// ([InvalidError]). Other packages read what the bytes say.
package inputs
