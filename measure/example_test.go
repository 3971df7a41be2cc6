package measure_test

import (
	"fmt"

	"gitlauncher/measure"
)

// Anyone may have written an event log. A verifier proves it by the register of a quote,
// which nobody can forge.
func ExampleState_Boot() {
	log, err := measure.ParseLog([]byte(`[
		{"imr":3, "event_type":134217729, "digest":"", "event":"system-ready", "event_payload":""},
		{"imr":3, "event_type":134217729, "digest":"", "event":"git-commit", "event_payload":"2f4b6a0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a"}
	]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	quoted, err := measure.ParseRegister("484191cb984cb8a5a0a1d4924dfc3b606d3da164f63be715d6196e76229024a89ee564c7efb5bd3f2ae116dfe2d6dabb")
	if err != nil {
		fmt.Println(err)
		return
	}
	boot, err := measure.State{Log: log, RTMR3: quoted}.Boot()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range boot.After {
		fmt.Printf("%s %x\n", e.Name, e.Payload)
	}
	// Output:
	// git-commit 2f4b6a0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a
}

// The event for a commit extends RTMR3.
func ExampleEvent_Digest() {
	e := measure.Event{Name: measure.EventCommit, Payload: []byte{0x2f, 0x4b}}
	fmt.Println("digest:", e.Digest())
	fmt.Println("register:", measure.Register{}.Extend(e.Digest()))
	// Output:
	// digest: 50f6fd1f7fcacc2f4d5cacf51f4de4a4d083980bab21d404494b56b973cf97569d79d109292af0e0e2bb862fd22216ff
	// register: ae96ce517a61af174cd799d89fae6886c8834a08a2dd23a41d29424f6a86ceb3d24512f01834768f0502542a6466e710
}

// There is one way to write a launch record, and [measure.ParseGitRecord] accepts no other.
func ExampleGitRecord_Marshal() {
	r := measure.GitRecord{
		Launcher: "v1.0.0", RepoURL: "https://example.org/you/workload.git",
		Commit: "2f4b6a0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a", Entrypoint: "entrypoint.sh",
	}
	data, err := r.Marshal()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(data))
	// Output:
	// {"commit":"2f4b6a0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a","config_sha256":"","content_sha256":"","entrypoint":"entrypoint.sh","entrypoint_sha256":"","launcher":"v1.0.0","repo_url":"https://example.org/you/workload.git","subdir":"","tree":"","v":"1"}
}
