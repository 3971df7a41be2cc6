package tdvf_test

import (
	"encoding/hex"
	"fmt"

	"gitlauncher/verify/system/tdvf"
)

// The TD HOB that dstack's firmware gets on a VM with 2 GiB: the first event of RTMR0.
func ExampleWitness_HOB() {
	ranges, err := hex.DecodeString("80100904000609020b021010")
	if err != nil {
		panic(err)
	}
	w, err := tdvf.ParseWitness(ranges)
	if err != nil {
		panic(err)
	}
	hob, err := w.HOB(2 << 30)
	fmt.Println(hob, err)
	// Output: 0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fdacbb37948f821ebaf8bc9c938ba8a749 <nil>
}
