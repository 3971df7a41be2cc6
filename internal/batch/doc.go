// Package batch judges many pieces of evidence, on all cores, and prints one line of JSON
// for each in their order.
//
// Nothing is left out in silence: a file that can't be read, or that is no evidence,
// has a line, too, and counts in the exit code. What is in memory is bounded by the
// size of one evidence, however large the batch.
package batch
