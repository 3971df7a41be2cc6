package verify_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/quote"
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
	evidence, err := verify.ParseEvidence(receipt)
	if err != nil {
		log.Fatal("not verified: ", err)
	}
	root, err := quote.IntelRoot()
	if err != nil {
		log.Fatal(err)
	}
	report := verify.Judge(context.Background(), evidence, verify.Params{Policy: expected, Root: root, At: time.Now()})
	fmt.Println(report.Verdict)
	for _, f := range report.Findings {
		if f.Outcome != verify.Pass {
			fmt.Println(f.Check, f.Name, f.Outcome, f.Why)
		}
	}
}

// Without a policy nothing is expected, so that nothing can be verified.
func ExampleReport() {
	root, err := quote.IntelRoot()
	if err != nil {
		log.Fatal(err)
	}
	evidence := &verify.Evidence{Kind: verify.KindParts, Quote: []byte{4, 0}}
	report := verify.Judge(context.Background(), evidence, verify.Params{Root: root, At: time.Now()})
	fmt.Println(report.Verdict, report.ExitCode)
	fmt.Println(report.Findings[0].Name, report.Findings[0].Outcome)
	// Output:
	// NOT VERIFIED 3
	// quote invalid
}
