package system_test

import (
	"fmt"

	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
)

// An image of the catalogue, compared with what a quote attests. Without a quote's
// registers, log and vm_config there is nothing to derive from.
func ExampleJudge() {
	image, _ := catalogue.BuiltIn().ByName("dstack-0.6.6")
	r := system.Judge(system.Input{Images: []system.Image{image.Image}})
	for _, f := range r.Findings {
		fmt.Println(f.Name, f.Outcome)
	}
	fmt.Println(r.Proven())
	// Output:
	// OS image note
	// MRTD open
	// RTMR1 open
	// RTMR2 open
	// RTMR0 open
	// ACPI tables open
	// false
}
