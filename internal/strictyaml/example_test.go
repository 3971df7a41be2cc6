package strictyaml_test

import (
	"fmt"

	"gitlauncher/internal/strictyaml"
)

// A file that two versions of Docker Compose read as two things is no file to judge.
func ExampleDecode() {
	_, err := strictyaml.Decode([]byte(`x-evil: &evil {privileged: true}
services:
  app:
    image: honest
    !!merge anything: *evil
`))
	fmt.Println(err)
	file, err := strictyaml.Decode([]byte("services:\n  app: {image: honest}\n"))
	fmt.Println(file, err)
	// Output:
	// line 5: has the tag "!!merge" on a key; readers differ on what that makes of it
	// map[services:map[app:map[image:honest]]] <nil>
}
