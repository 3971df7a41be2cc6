package catalogue_test

import (
	"fmt"

	"gitlauncher/verify/system/catalogue"
)

// What the catalogue knows of an image.
func ExampleCatalogue_ByName() {
	image, ok := catalogue.BuiltIn().ByName("dstack-0.6.1")
	fmt.Println(ok, image.Hash)
	for _, f := range image.Flaws {
		fmt.Println(f.ID)
	}
	// Output:
	// true ec43cb8c5e04b6bb6c53b33b16076a01d83d01f7f4b703f2f78a0d947d6247e6
	// GHSA-c79w-3x5w-gmm5
}
