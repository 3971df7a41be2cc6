// Package batch judges many pieces of evidence, on all cores, and prints one line of JSON
// for each in their order.
//
// Nothing is left out silently: a file that can't be read, or that is no evidence, has a
// line, too, and counts in the exit code. However large the batch, what is judged at a
// time is at most [evidence.MaxSize] bytes of evidence, and one more piece is being read.
package batch
