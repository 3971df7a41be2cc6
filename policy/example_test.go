package policy_test

import (
	"fmt"
	"log"

	"gitlauncher/gitpin/object"
	"gitlauncher/policy"
)

// Read a policy, and ask what it expects.
func ExampleParse() {
	p, err := policy.Parse("policy.conf", []byte(`# what we audited
COMMIT_SHA=0123456789abcdef0123456789abcdef01234567
TCB_STATUS_ALLOWED=SWHardeningNeeded,OutOfDate
`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.CommitSHA)
	fmt.Println(p.TCBStatusAllowed.Allows("ConfigurationNeeded"))
	fmt.Println(p.MRTD.Given())
	// Output:
	// 0123456789abcdef0123456789abcdef01234567
	// false
	// false
}

// Write a policy from values that are at hand.
func ExamplePolicy_Format() {
	commit, err := object.ParseID("0123456789abcdef0123456789abcdef01234567")
	if err != nil {
		log.Fatal(err)
	}
	p := policy.Policy{CommitSHA: policy.Any(commit), RepoURL: policy.Any(policy.Text("https://example.org/app.git"))}
	text, err := p.Format()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(text))
	// Output:
	// COMMIT_SHA=0123456789abcdef0123456789abcdef01234567
	// REPO_URL=https://example.org/app.git
}
