// Package verdicttable prints a report for people: a table for each check, what was
// launched, the verdict, and the first reason for it.
//
// Strangers choose most of what is printed. It is made printable and cut short, and
// lines after the first are indented, so that none of it looks like the verdict.
package verdicttable
