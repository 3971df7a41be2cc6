// Package report holds what a judgement found: findings by check, launches, and the
// verdict that follows from them. Its JSON is that of VERIFY.md.
//
// A finding fails as [Invalid] (the evidence is not what it claims) or as [NotAllowed]
// (genuine, but not what the policy allows), or is [Undecided] where an expectation or
// an input is missing; it then names the policy line that would settle it. Failures
// outrank missing expectations: [Report.Conclude].
//
// The package judges nothing by itself. Package verify and the rooms below it do, and
// add to a report through a [Check].
package report
