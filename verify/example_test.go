package verify_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
)

// Judge a receipt by a policy, as of now, under Intel's root.
func ExampleJudge() {
	text, err := os.ReadFile("policy.conf")
	if err != nil {
		log.Fatal(err)
	}
	expected, err := policy.Parse("policy.conf", text)
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := os.ReadFile("receipt.json")
	if err != nil {
		log.Fatal(err)
	}
	e, err := evidence.Parse(receipt)
	if err != nil {
		log.Fatal("not verified: ", err)
	}
	root, err := quote.IntelRoot()
	if err != nil {
		log.Fatal(err)
	}
	r := verify.Judge(context.Background(), e, verify.Params{Policy: expected, Root: root, At: time.Now()})
	fmt.Println(r.Verdict)
	for _, f := range r.Findings {
		if f.Outcome != report.Pass {
			fmt.Println(f.Check, f.Name, f.Outcome, f.Why)
		}
	}
}

// Without a policy nothing is expected, so nothing can be verified.
func ExampleJudge_withoutPolicy() {
	root, err := quote.IntelRoot()
	if err != nil {
		log.Fatal(err)
	}
	e := &evidence.Evidence{Kind: evidence.KindParts, Quote: []byte{4, 0}}
	r := verify.Judge(context.Background(), e, verify.Params{Root: root, At: time.Now()})
	fmt.Println(r.Verdict, r.ExitCode)
	fmt.Println(r.Findings[0].Name, r.Findings[0].Outcome)
	// Output:
	// NOT VERIFIED 3
	// quote invalid
}
